// What Metal's C++ headers take from CoreGraphics.
#pragma once
typedef double CGFloat;
struct CGSize {
  CGFloat width, height;
};
