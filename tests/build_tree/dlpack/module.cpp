#include <Python.h>

#include "host/twice.h"

static PyObject* twice(PyObject*, PyObject* value) { return PyLong_FromLong(call_twice(static_cast<int>(PyLong_AsLong(value)))); }

static PyMethodDef methods[] = {{"twice", twice, METH_O, nullptr}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_cpu", nullptr, -1, methods, nullptr, nullptr, nullptr, nullptr};

extern "C" __attribute__((visibility("default"))) PyObject* PyInit__cpu() { return PyModule_Create(&definition); }
