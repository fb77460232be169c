// What Metal's C++ headers take from IOSurface.
#pragma once
typedef struct __IOSurface* IOSurfaceRef;
