// Arrays of any framework: read through the DLPack exchange table, numpy's buffers, or `__dlpack__`,
// and results made in the framework of the first array given.
#pragma once

#include <Python.h>

#include "host_runtime/call.h"
#include "host_runtime/dlpack.h"
#include "host_runtime/python_arguments.h"

namespace sgl::host {

// Where a call runs. `name` and `accepted`, what it takes as an array, are for messages.
struct Target {
  const char* name;
  dlpack::DeviceType device;
  const char* accepted;
};

// What an array type with an exchange table is read by. `requires_grad` is its property of that name, or null.
struct Exchange {
  PyTypeObject* type;
  const dlpack::ExchangeApi* api;
  const PyGetSetDef* requires_grad;
};

// Thrown for an array whose type has torch's operations done in a way of its own.
struct TracedArray {};

// The arrays of one call, held until it ends. Shapes and strides of the views point into the
// framework's objects or in here.
class PythonArrays {
 public:
  explicit PythonArrays(const Target& target) : target_(target) {}
  PythonArrays(const PythonArrays&) = delete;
  ~PythonArrays();

  // Reads `object` as tensor `index` of the call. Throws TypeError where it is no array, or one on
  // another device, TracedArray where torch must see the call.
  void read(Call& call, int index, PyObject* object);

  // Makes result `index` with the shape that `resolve` found, uninitialised.
  Reference make(Call& call, int index);

  // The result in its framework, after the kernel has written it.
  Reference finish(Reference result);

  // Where the arrays are, and the stream that their framework works on there. Throws TypeError where
  // no array was given.
  dlpack::Device device(const Call& call) const;
  void* current_stream(const Call& call) const;

 private:
  enum class Framework : uint8_t { none, numpy, exchange, other };

  struct Held {
    enum class Kind : uint8_t { buffer, managed, versioned } kind;
    union {
      Py_buffer buffer;
      dlpack::Managed* managed;
      dlpack::ManagedVersioned* versioned;
    };
  };

  void read_exchange(Call& call, int index, PyObject* object, const Exchange& exchange);
  void read_numpy(Call& call, int index, PyObject* object);
  void read_dlpack(Call& call, int index, PyObject* object);
  void take(Call& call, int index, const dlpack::Tensor& tensor);
  void check_device(const Call& call, int index, dlpack::Device given) const;
  Reference make_exchange(Call& call, int index);
  Reference make_numpy(Call& call, int index);
  void view_contiguous(Call& call, int index, void* data);
  void note_framework(Framework framework, PyObject* object, const dlpack::ExchangeApi* api);

  const Target& target_;
  Framework framework_ = Framework::none;
  PyObject* prototype_ = nullptr;  // borrowed: the first array
  const dlpack::ExchangeApi* api_ = nullptr;
  dlpack::Device device_{dlpack::kCpu, 0};
  int first_ = -1;  // the tensor that decided where the call runs
  int held_count_ = 0;
  Held held_[kMaxTensors];
  int64_t shapes_[kMaxTensors][kMaxDims];  // where the framework's own does not stay or fit
  int64_t strides_[kMaxTensors][kMaxDims];
};

}  // namespace sgl::host
