#include <Python.h>

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_cuda", nullptr, -1, nullptr, nullptr, nullptr, nullptr, nullptr};

extern "C" __attribute__((visibility("default"))) PyObject* PyInit__cuda() {
  PyObject* module = PyModule_Create(&definition);
  PyModule_AddIntConstant(module, "is_stub", 1);
  return module;
}
