#include <nanobind/nanobind.h>

#include "host/twice.h"

NB_MODULE(_cpu, m) { m.def("twice", &call_twice); }
