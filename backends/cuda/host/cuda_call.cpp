#include "cuda/host/cuda_call.h"

#include <cstring>
#include <vector>

#include "cuda/host/device.h"
#include "cuda/host/launch.h"
#include "cuda/host/seen_calls.h"
#include "cuda/host/strided.h"
#include "gpu_host/choose.h"
#include "host_runtime/direct_call.h"
#include "host_runtime/python_call.h"

namespace sgl::cuda {
namespace {

using namespace sgl::gpu;
using namespace sgl::host;

constexpr Target kCuda{"CUDA", dlpack::kCuda,
                       "a CUDA tensor of a framework with a DLPack exchange table (torch 2.11 has one)"};

// A public function: its launches, and the calls of it that were seen.
struct CudaFunction {
  const OpLaunches& op;
  mutable SeenCalls seen;
};

void start(const Signature& signature, const LaunchRow& row, const void* kernel, const Geometry& geometry,
           void** arguments, cudaStream_t stream, bool starts_early) {
  const cudaError_t status = launch_kernel(kernel, geometry, arguments, stream, starts_early);
  if (status != cudaSuccess) {
    require(status, std::string(signature.name) + ": launching " + row.name + "_kernel");
  }
}

// What a call puts on its stream, and the memory that it borrows there until it is through.
class Recording {
 public:
  Recording(const Call& call, Work& work, cudaStream_t stream, bool starts_early)
      : call_(call), work_(work), stream_(stream), starts_early_(starts_early) {}

  void prepare_arrays() {
    for (const Work::Copy& copy : work_.copies) {
      void* target = borrow(bytes_of(copy));
      std::memcpy(work_.params + copy.pointer_offset, &target, sizeof target);
      require(copy_contiguous(copy, target, stream_), call_.signature.name + std::string(": copying an input"));
    }
    for (const Work::Fill& fill : work_.fills) {
      require(fill_zero(fill, stream_), call_.signature.name + std::string(": zeroing a result"));
    }
  }

  void launch(const OpLaunches& op, const LaunchRow& row) {
    Choice choice = choose(row, call_, work_.params);
    if (choice.groups == 0) return;
    void* scratch[kMaxScratch];
    void* arguments[2 + kMaxScratch] = {work_.params, &choice.launch};
    for (std::size_t i = 0; i < row.scratch.size(); i++) {
      scratch[i] = scratch_of(row.scratch[i], choice.scratch_bytes[i]);
      arguments[2 + i] = &scratch[i];
    }
    const Grid grid = grid_of(choice.groups);
    const Geometry geometry{dim3(static_cast<unsigned>(grid.x), static_cast<unsigned>(grid.y)),
                            dim3(static_cast<unsigned>(choice.launch.lanes),
                                 static_cast<unsigned>(choice.launch.teams_per_group))};
    const void* kernel = op.kernel(choice.kernel->position);
    start(call_.signature, row, kernel, geometry, arguments, stream_, starts_early_);
    steps_.push_back({&row, kernel, nullptr, geometry, choice.launch});
  }

  // The launches, if another call like this one needs no more than them.
  std::vector<SeenCall::Step> repeatable_steps(const OpLaunches& op) {
    const bool is_whole = steps_.size() == op.launches.size() && !steps_.empty();
    if (!is_whole || has_borrowed_ || !work_.copies.empty() || !work_.fills.empty()) return {};
    for (SeenCall::Step& step : steps_) step.function = find_function(step.kernel);
    return std::move(steps_);
  }

 private:
  void* borrow(int64_t bytes) {
    has_borrowed_ = true;
    return bytes == 0 ? nullptr : borrowed_.emplace_back(bytes, stream_, call_.signature.name).data();
  }

  // The buffer of a kernel's scratch argument; null where the kernel does not touch it.
  void* scratch_of(const ScratchRow& row, int64_t bytes) {
    if (row.owner != Owner::program) return borrow(bytes);
    if (!kept_[row.slot]) kept_[row.slot] = borrow(bytes);
    return kept_[row.slot];
  }

  const Call& call_;
  Work& work_;
  cudaStream_t stream_;
  bool starts_early_;
  bool has_borrowed_ = false;
  std::vector<StreamMemory> borrowed_;
  std::vector<SeenCall::Step> steps_;
  void* kept_[kMaxScratch] = {};
};

// Whether the call's kernels may start early: as the caller says, else where the device can.
bool may_start_early(const Arguments& arguments, const Signature& signature, int device) {
  for (std::size_t i = 0; i < signature.parameters.size(); i++) {
    if (signature.parameters[i].kind != ParameterKind::early_start) continue;
    PyObject* const asked = arguments.values[i];
    if (!asked || asked == Py_None) break;
    if (!PyBool_Check(asked)) {
      throw TypeError(std::string(signature.name) + ": argument '" + signature.parameters[i].name +
                      "' must be a bool or None, got " + type_name(asked));
    }
    if (asked == Py_False) return false;
  }
  return can_start_early(device);
}

// Launches a call as one before it, with its own addresses. False where its memory does not allow that.
bool repeat(SeenCall& seen, Call& call, PythonArrays& arrays, CallObjects& objects, cudaStream_t stream,
            bool starts_early) {
  bool made[kMaxTensors];
  seen.recall(call);
  make_results(call, arrays, objects);
  for (std::size_t i = 0; i < call.op.tensors.size(); i++) made[i] = static_cast<bool>(objects.made[i]);
  if (!seen.fits(call, made)) {
    for (std::size_t i = 0; i < call.op.tensors.size(); i++) {
      if (made[i]) call.arrays[i] = {};
    }
    return false;
  }
  seen.place(call);
  for (SeenCall::Step& step : seen.steps) {
    void* parameters[] = {seen.params, &step.launch};
    if (step.function && launch_function(step.function, step.geometry, parameters, stream, starts_early)) continue;
    start(call.signature, *step.row, step.kernel, step.geometry, parameters, stream, starts_early);
  }
  return true;
}

void run_anew(const CudaFunction& function, const Look& look, Call& call, PythonArrays& arrays, CallObjects& objects,
              cudaStream_t stream, bool starts_early) {
  resolve(call);
  make_results(call, arrays, objects);
  check_written(call);
  Work work;
  prepare(call, nullptr, work);
  Recording recording(call, work, stream, starts_early);
  recording.prepare_arrays();
  for (const LaunchRow& row : function.op.launches) recording.launch(function.op, row);
  std::vector<SeenCall::Step> steps = recording.repeatable_steps(function.op);
  if (!steps.empty() && look.is_known()) function.seen.add(look, call, work, std::move(steps));
}

PyObject* call_cuda(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  return run_call(self, args, count, keywords, [&]() -> PyObject* {
    const Signature& signature = bound_of(self).signature;
    const auto& function = *static_cast<const CudaFunction*>(bound_of(self).extra);
    Arguments arguments;
    match_arguments(signature, args, count, keywords, nullptr, arguments);
    Call call(signature);
    PythonArrays arrays(kCuda);
    CallObjects objects;
    read_numbers(arguments, call);
    read_arrays(arguments, call, arrays, objects);
    const int id = arrays.device(call).id;
    const DeviceGuard device(id);
    const bool starts_early = may_start_early(arguments, signature, id);
    const auto stream = static_cast<cudaStream_t>(arrays.current_stream(call));
    const Look look(call, id, starts_early);
    SeenCall* const seen = function.seen.find(look);
    if (!seen || !repeat(*seen, call, arrays, objects, stream, starts_early)) {
      run_anew(function, look, call, arrays, objects, stream, starts_early);
    }
    return pack_returns(signature, arrays, objects);
  });
}

}  // namespace

PyObject* make_cuda_module(const char* name, std::initializer_list<CudaOp> ops) {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, name, nullptr, -1, nullptr, {}, {}, {}, {}};
  return guarded([&]() -> PyObject* {
    Reference module = owned(PyModule_Create(&definition));
    for (const CudaOp& op : ops) {
      for (const Signature& signature : op.signatures) {
        add_function(module.get(), signature, call_cuda, new CudaFunction{op.launches, {}});  // for good, as it is
      }
    }
    add_attach(module.get());
    return module.release();
  });
}

}  // namespace sgl::cuda
