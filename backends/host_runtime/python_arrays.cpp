#include "host_runtime/python_arrays.h"

#include <cstring>
#include <string>

#include "host_runtime/messages.h"

namespace sgl::host {
namespace {

std::string head(const Call& call, int index) {
  return std::string(call.signature.name) + ": argument '" +
         public_name(call.signature, ParameterKind::tensor, index) + "' ";
}

// The pending Python error as text, cleared.
std::string take_error() {
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  Reference owned_type(type), owned_value(value), owned_trace(trace);
  Reference text(value ? PyObject_Str(value) : nullptr);
  const char* chars = text ? PyUnicode_AsUTF8(text.get()) : nullptr;
  const std::string message = chars ? chars : "no reason given";
  PyErr_Clear();
  return message;
}

DType dtype_of(dlpack::DataType given) {
  struct Row {
    uint8_t code, bits;
    DType dtype;
  };
  static constexpr Row kRows[] = {
      {dlpack::kFloat, 32, DType::f32},
      {dlpack::kFloat, 16, DType::f16},
      {dlpack::kBfloat, 16, DType::bf16},
      {dlpack::kFloat8E4M3FN, 8, DType::f8e4m3},
      {dlpack::kInt, 8, DType::i8},
      {dlpack::kUInt, 8, DType::u8},
      {dlpack::kInt, 32, DType::i32},
      {dlpack::kUInt, 32, DType::u32},
      {dlpack::kInt, 64, DType::i64},
      {dlpack::kBool, 8, DType::boolean},
      {dlpack::kFloat, 64, DType::f64},
      {dlpack::kInt, 16, DType::i16},
      {dlpack::kUInt, 16, DType::u16},
      {dlpack::kUInt, 64, DType::u64},
      {dlpack::kComplex, 64, DType::complex64},
      {dlpack::kComplex, 128, DType::complex128},
  };
  for (const Row& row : kRows) {
    if (given.lanes == 1 && given.code == row.code && given.bits == row.bits) return row.dtype;
  }
  return DType::other;
}

dlpack::DataType dlpack_of(DType dtype) {
  static constexpr dlpack::DataType kRows[] = {
      {dlpack::kFloat, 32, 1},       {dlpack::kFloat, 16, 1}, {dlpack::kBfloat, 16, 1},
      {dlpack::kFloat8E4M3FN, 8, 1}, {dlpack::kInt, 8, 1},    {dlpack::kUInt, 8, 1},
      {dlpack::kInt, 32, 1},         {dlpack::kUInt, 32, 1},  {dlpack::kInt, 64, 1},
      {dlpack::kBool, 8, 1},
  };
  return kRows[static_cast<int>(dtype)];
}

// A buffer's format; numpy's are native unless they say otherwise.
DType dtype_of(const char* format, Py_ssize_t bytes) {
  if (!format || (*format == '@' || *format == '=')) format = format ? format + 1 : "B";
  const bool is_simple = format[0] && !format[1];
  const bool is_complex = format[0] == 'Z' && format[1] && !format[2];
  if (is_complex) return format[1] == 'f' ? DType::complex64 : DType::complex128;
  if (!is_simple) return DType::other;
  const int width = static_cast<int>(bytes);
  switch (format[0]) {
    case 'e': return DType::f16;
    case 'f': return DType::f32;
    case 'd': return DType::f64;
    case '?': return DType::boolean;
    case 'b':
    case 'h':
    case 'i':
    case 'l':
    case 'q': return width == 1 ? DType::i8 : width == 2 ? DType::i16 : width == 4 ? DType::i32 : DType::i64;
    case 'B':
    case 'H':
    case 'I':
    case 'L':
    case 'Q': return width == 1 ? DType::u8 : width == 2 ? DType::u16 : width == 4 ? DType::u32 : DType::u64;
    default: return DType::other;
  }
}

// ---- what Python knows: looked up once a process ----

PyObject* interned(const char* text) { return PyUnicode_InternFromString(text); }

// numpy.ndarray if numpy is imported, else null.
PyTypeObject* numpy_array_type() {
  static PyTypeObject* found = nullptr;
  if (found) return found;
  static PyObject* name = interned("numpy");
  Reference numpy(PyImport_GetModule(name));
  if (!numpy) return nullptr;
  Reference type(PyObject_GetAttrString(numpy.get(), "ndarray"));
  if (!type || !PyType_Check(type.get())) return PyErr_Clear(), nullptr;
  return found = reinterpret_cast<PyTypeObject*>(type.release());
}

// Whether the type is torch's own, or one whose operations go through its class: tensors without data that
// stand for others while a program is traced, say.
bool is_traced(PyTypeObject* type) {
  static PyObject* name = interned("__torch_dispatch__");
  Reference dispatch(PyObject_GetAttr(reinterpret_cast<PyObject*>(type), name));
  if (!dispatch) PyErr_Clear();
  return dispatch && !PyCFunction_Check(dispatch.get());
}

const dlpack::ExchangeApi* find_exchange(PyTypeObject* type) {
  static PyObject* name = interned("__dlpack_c_exchange_api__");
  Reference capsule(PyObject_GetAttr(reinterpret_cast<PyObject*>(type), name));
  const bool is_capsule = capsule && PyCapsule_IsValid(capsule.get(), "dlpack_exchange_api");
  PyErr_Clear();
  if (!is_capsule) return nullptr;
  const auto* api =
      static_cast<const dlpack::ExchangeApi*>(PyCapsule_GetPointer(capsule.get(), "dlpack_exchange_api"));
  while (api && api->version.major != 1) api = api->previous;
  return api && api->tensor_from_object && api->allocate && api->object_from_managed ? api : nullptr;
}

// The property as C has it: asking through it saves looking its name up for every array.
const PyGetSetDef* find_requires_grad(PyTypeObject* type) {
  static PyObject* name = interned("requires_grad");
  Reference found(PyObject_GetAttr(reinterpret_cast<PyObject*>(type), name));
  if (!found) PyErr_Clear();
  const bool is_property = found && Py_IS_TYPE(found.get(), &PyGetSetDescr_Type);
  return is_property ? reinterpret_cast<PyGetSetDescrObject*>(found.get())->d_getset : nullptr;
}

Exchange find_all(PyTypeObject* type) {
  const dlpack::ExchangeApi* api = find_exchange(type);
  return {type, api, api ? find_requires_grad(type) : nullptr};
}

// How arrays of a type are read; without an exchange table, its `api` is null. Types seen are kept, so that
// their addresses stay theirs. Throws TracedArray.
const Exchange& exchange_of(PyTypeObject* type) {
  static Exchange entries[8];
  static Exchange other;
  static int count = 0;
  for (int i = 0; i < count; i++) {
    if (entries[i].type == type) return entries[i];
  }
  const Exchange found = find_all(type);
  if (found.api && is_traced(type)) throw TracedArray();
  if (!found.api || count == 8) return other = found;
  Py_INCREF(type);
  return entries[count++] = found;
}

bool records_gradients() {
  static PyObject* module_name = interned("torch");
  Reference torch(PyImport_GetModule(module_name));
  Reference enabled(torch ? PyObject_CallMethod(torch.get(), "is_grad_enabled", nullptr) : nullptr);
  if (!enabled) PyErr_Clear();
  return enabled.get() != Py_False;
}

// Whether autograd would have to record what is done to `object`.
bool needs_gradient(PyObject* object, const Exchange& exchange) {
  static PyObject* name = interned("requires_grad");
  const PyGetSetDef* property = exchange.requires_grad;
  Reference flag(property ? property->get(object, property->closure) : PyObject_GetAttr(object, name));
  if (!flag) PyErr_Clear();
  return flag.get() == Py_True && records_gradients();
}

const char* device_name(int type) {
  switch (type) {
    case dlpack::kCpu: return "the CPU";
    case dlpack::kCuda:
    case dlpack::kCudaHost:
    case dlpack::kCudaManaged: return "CUDA";
    case dlpack::kMetal: return "Metal";
    case dlpack::kRocm: return "ROCm";
    default: return "another device";
  }
}

void set_python_error(void*, const char* kind, const char* message) {
  PyErr_Format(PyExc_RuntimeError, "%s: %s", kind, message);
}

PyObject* numpy_attribute(const char* name) {
  Reference numpy = owned(PyImport_ImportModule("numpy"));
  return owned(PyObject_GetAttrString(numpy.get(), name)).release();
}

// numpy's dtype object. It has no 8-bit float, so its bits go in uint8; bfloat16 comes from ml_dtypes.
PyObject* numpy_dtype(const Call& call, DType dtype) {
  static PyObject* found[10];
  PyObject*& cached = found[static_cast<int>(dtype)];
  if (cached) return cached;
  if (dtype == DType::bf16) {
    Reference module(PyImport_ImportModule("ml_dtypes"));
    if (!module) {
      PyErr_Clear();
      throw TypeError(std::string(call.signature.name) +
                      ": the result is bfloat16, which numpy lacks; install ml_dtypes or pass torch tensors");
    }
    return cached = owned(PyObject_GetAttrString(module.get(), "bfloat16")).release();
  }
  const char* name = name_of(dtype == DType::f8e4m3 ? DType::u8 : dtype);
  static PyObject* make = numpy_attribute("dtype");
  return cached = owned(PyObject_CallFunction(make, "s", name)).release();
}

Reference shape_tuple(const Extents& shape) {
  Reference tuple = owned(PyTuple_New(shape.ndim));
  for (int axis = 0; axis < shape.ndim; axis++) {
    PyTuple_SET_ITEM(tuple.get(), axis, owned(PyLong_FromLongLong(shape.dims[axis])).release());
  }
  return tuple;
}

// numpy gives no buffer for dtypes of other packages: the bits of a bfloat16 or float8 array then.
Reference bits_of_extension_dtype(PyObject* array, DType& dtype) {
  Reference type = owned(PyObject_GetAttrString(array, "dtype"));
  Reference name = owned(PyObject_GetAttrString(type.get(), "name"));
  const char* text = PyUnicode_AsUTF8(name.get());
  dtype = text && std::strcmp(text, "bfloat16") == 0        ? DType::bf16
          : text && std::strcmp(text, "float8_e4m3fn") == 0 ? DType::f8e4m3
                                                            : DType::other;
  if (dtype == DType::other) return Reference();
  return owned(PyObject_CallMethod(array, "view", "s", dtype == DType::bf16 ? "uint16" : "uint8"));
}

}  // namespace

PythonArrays::~PythonArrays() {
  for (int i = 0; i < held_count_; i++) {
    Held& held = held_[i];
    switch (held.kind) {
      case Held::Kind::buffer: PyBuffer_Release(&held.buffer); break;
      case Held::Kind::managed:
        if (held.managed->deleter) held.managed->deleter(held.managed);
        break;
      case Held::Kind::versioned:
        if (held.versioned->deleter) held.versioned->deleter(held.versioned);
        break;
    }
  }
}

void PythonArrays::note_framework(Framework framework, PyObject* object, const dlpack::ExchangeApi* api) {
  if (framework_ != Framework::none) return;
  framework_ = framework;
  prototype_ = object;
  api_ = api;
}

void PythonArrays::read(Call& call, int index, PyObject* object) {
  const Exchange& exchange = exchange_of(Py_TYPE(object));
  if (exchange.api) return read_exchange(call, index, object, exchange);
  PyTypeObject* numpy = numpy_array_type();
  if (numpy && PyObject_TypeCheck(object, numpy)) return read_numpy(call, index, object);
  // `__dlpack__` does not say on which stream its array was made, so it serves the CPU alone.
  const bool has_streams = target_.device != dlpack::kCpu;
  if (!has_streams && PyObject_HasAttrString(reinterpret_cast<PyObject*>(Py_TYPE(object)), "__dlpack__")) {
    return read_dlpack(call, index, object);
  }
  throw TypeError(head(call, index) + "must be " + target_.accepted + ", got " + type_name(object));
}

void PythonArrays::check_device(const Call& call, int index, dlpack::Device given) const {
  const bool is_pinned = given.type == dlpack::kCudaHost && target_.device == dlpack::kCpu;
  if (given.type != target_.device && !is_pinned) {
    throw TypeError(head(call, index) + "is on " + device_name(given.type) + ", expected " + target_.name);
  }
  if (target_.device != dlpack::kCpu && first_ >= 0 && given.id != device_.id) {
    throw TypeError(head(call, index) + "is on " + target_.name + " device " + std::to_string(given.id) +
                    ", expected device " + std::to_string(device_.id) + " as argument '" +
                    public_name(call.signature, ParameterKind::tensor, first_) + "'");
  }
}

void PythonArrays::take(Call& call, int index, const dlpack::Tensor& tensor) {
  check_device(call, index, tensor.device);
  device_ = tensor.device;
  if (first_ < 0) first_ = index;
  ArrayView& view = call.arrays[index];
  view.data = static_cast<char*>(tensor.data) + tensor.byte_offset;
  view.dtype = dtype_of(tensor.dtype);
  view.is_present = true;
  view.ndim = tensor.ndim;
  view.shape = tensor.shape;
  view.strides = tensor.strides;
  if (tensor.strides || tensor.ndim > kMaxDims) return;
  int64_t stride = 1;
  for (int axis = tensor.ndim - 1; axis >= 0; axis--) {
    strides_[index][axis] = stride;
    stride *= tensor.shape[axis];
  }
  view.strides = strides_[index];
}

void PythonArrays::read_exchange(Call& call, int index, PyObject* object, const Exchange& exchange) {
  dlpack::Tensor tensor;
  if (exchange.api->tensor_from_object(object, &tensor) != 0) {
    throw TypeError(head(call, index) + "cannot be read: " + take_error());
  }
  if (needs_gradient(object, exchange)) {
    throw ValueError(head(call, index) +
                     "requires a gradient, which this op does not record: pass it through detach(), or call "
                     "under torch.no_grad()");
  }
  take(call, index, tensor);
  note_framework(Framework::exchange, object, exchange.api);
}

void PythonArrays::read_numpy(Call& call, int index, PyObject* object) {
  if (target_.device != dlpack::kCpu)
    throw TypeError(head(call, index) + "is on the CPU, expected " + target_.name);
  Held& held = held_[held_count_];
  DType dtype = DType::other;
  bool is_read_only = false;
  if (PyObject_GetBuffer(object, &held.buffer, PyBUF_RECORDS_RO) == 0) {
    dtype = dtype_of(held.buffer.format, held.buffer.itemsize);
    is_read_only = held.buffer.readonly;
  } else {
    PyErr_Clear();
    Reference bits = bits_of_extension_dtype(object, dtype);
    if (!bits) throw ValueError(head(call, index) + "has a dtype that no op takes");
    if (PyObject_GetBuffer(bits.get(), &held.buffer, PyBUF_RECORDS_RO) != 0) throw PythonError();
    is_read_only = held.buffer.readonly;
  }
  held.kind = Held::Kind::buffer;
  held_count_++;
  ArrayView& view = call.arrays[index];
  view = {held.buffer.buf, dtype, true, is_read_only, held.buffer.ndim, shapes_[index], strides_[index]};
  for (int axis = 0; axis < view.ndim && axis < kMaxDims; axis++) {
    shapes_[index][axis] = held.buffer.shape[axis];
    strides_[index][axis] = held.buffer.strides[axis] / held.buffer.itemsize;
    if (held.buffer.strides[axis] % held.buffer.itemsize != 0 && held.buffer.shape[axis] > 1) {
      throw ValueError(head(call, index) + "has strides that are no whole number of elements");
    }
  }
  note_framework(Framework::numpy, object, nullptr);
}

void PythonArrays::read_dlpack(Call& call, int index, PyObject* object) {
  Reference version(Py_BuildValue("(ii)", 1, 1)), none(PyTuple_New(0));
  Reference keywords(Py_BuildValue("{sO}", "max_version", version.get()));
  Reference method(PyObject_GetAttrString(object, "__dlpack__"));
  Reference capsule(method ? PyObject_Call(method.get(), none.get(), keywords.get()) : nullptr);
  if (!capsule && method && PyErr_ExceptionMatches(PyExc_TypeError)) {  // an exporter from before DLPack 1.0
    PyErr_Clear();
    capsule = Reference(PyObject_Call(method.get(), none.get(), nullptr));
  }
  if (!capsule) throw TypeError(head(call, index) + "cannot be read: " + take_error());
  Held& held = held_[held_count_];
  bool is_read_only = false;
  const dlpack::Tensor* tensor = nullptr;
  if (PyCapsule_IsValid(capsule.get(), "dltensor_versioned")) {
    held.kind = Held::Kind::versioned;
    held.versioned =
        static_cast<dlpack::ManagedVersioned*>(PyCapsule_GetPointer(capsule.get(), "dltensor_versioned"));
    PyCapsule_SetName(capsule.get(), "used_dltensor_versioned");
    is_read_only = held.versioned->flags & dlpack::kReadOnly;
    tensor = &held.versioned->tensor;
  } else if (PyCapsule_IsValid(capsule.get(), "dltensor")) {
    held.kind = Held::Kind::managed;
    held.managed = static_cast<dlpack::Managed*>(PyCapsule_GetPointer(capsule.get(), "dltensor"));
    PyCapsule_SetName(capsule.get(), "used_dltensor");
    tensor = &held.managed->tensor;
  } else {
    throw TypeError(head(call, index) + "must be an array, but its __dlpack__ gave " +
                    type_name(capsule.get()));
  }
  held_count_++;
  take(call, index, *tensor);
  call.arrays[index].is_read_only = is_read_only;
  note_framework(Framework::other, object, nullptr);
}

void PythonArrays::view_contiguous(Call& call, int index, void* data) {
  const Extents& shape = call.results[index];
  int64_t stride = 1;
  for (int axis = shape.ndim - 1; axis >= 0; axis--) {
    strides_[index][axis] = stride;
    stride *= shape.dims[axis];
  }
  const DType dtype = call.dtype_of(call.op.tensors[index]);
  call.arrays[index] = {data, dtype, true, false, shape.ndim, shape.dims, strides_[index]};
}

Reference PythonArrays::make(Call& call, int index) {
  return framework_ == Framework::exchange ? make_exchange(call, index) : make_numpy(call, index);
}

Reference PythonArrays::make_exchange(Call& call, int index) {
  Extents& shape = call.results[index];
  const DType dtype = call.dtype_of(call.op.tensors[index]);
  dlpack::Tensor prototype{nullptr, device_, shape.ndim, dlpack_of(dtype), shape.dims, nullptr, 0};
  dlpack::ManagedVersioned* managed = nullptr;
  if (api_->allocate(&prototype, &managed, nullptr, set_python_error) != 0) throw PythonError();
  void* data = static_cast<char*>(managed->tensor.data) + managed->tensor.byte_offset;
  void* object = nullptr;
  if (api_->object_from_managed(managed, &object) != 0) throw PythonError();
  view_contiguous(call, index, data);
  return Reference(static_cast<PyObject*>(object));
}

Reference PythonArrays::make_numpy(Call& call, int index) {
  static PyObject* empty = numpy_attribute("empty");
  const DType dtype = call.dtype_of(call.op.tensors[index]);
  Reference shape = shape_tuple(call.results[index]);
  PyObject* args[] = {shape.get(), numpy_dtype(call, dtype)};
  Reference array = owned(PyObject_Vectorcall(empty, args, 2, nullptr));
  Reference bits =
      dtype == DType::bf16 ? owned(PyObject_CallMethod(array.get(), "view", "s", "uint16")) : Reference();
  Py_buffer buffer;
  if (PyObject_GetBuffer(bits ? bits.get() : array.get(), &buffer, PyBUF_SIMPLE) != 0) throw PythonError();
  view_contiguous(call, index, buffer.buf);
  PyBuffer_Release(&buffer);
  return array;
}

dlpack::Device PythonArrays::device(const Call& call) const {
  if (first_ < 0) throw TypeError(std::string(call.signature.name) + ": no argument is an array");
  return device_;
}

void* PythonArrays::current_stream(const Call& call) const {
  const dlpack::Device place = device(call);
  void* stream = nullptr;
  if (!api_ || !api_->current_stream) {
    throw TypeError(head(call, first_) + "comes from a framework that does not name its stream");
  }
  if (api_->current_stream(static_cast<dlpack::DeviceType>(place.type), place.id, &stream) != 0) {
    throw PythonError();
  }
  return stream;
}

Reference PythonArrays::finish(Reference result) {
  if (framework_ != Framework::other) return result;
  Reference space(PyObject_CallMethod(prototype_, "__array_namespace__", nullptr));
  Reference converted(space ? PyObject_CallMethod(space.get(), "from_dlpack", "O", result.get()) : nullptr);
  PyErr_Clear();
  return converted ? std::move(converted) : std::move(result);
}

}  // namespace sgl::host
