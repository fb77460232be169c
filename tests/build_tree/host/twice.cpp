#include "host/twice.h"

extern "C" int twice_baseline(int value);

int call_twice(int value) { return twice_baseline(value); }
