// What Metal's C++ headers take from CoreFoundation.
#pragma once
typedef double CFTimeInterval;
typedef const struct __CFString* CFStringRef;
extern "C" CFStringRef __CFStringMakeConstantString(const char*);
