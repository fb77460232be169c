// What Metal's C++ headers take from CoreGraphics.
#pragma once
typedef struct CGColorSpace* CGColorSpaceRef;
