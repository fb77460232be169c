// While a kernel runs, a wild access or jump, a division that has no result, and a loop without an end, are
// findings and not the end of us.
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "state.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

namespace emu {

// A wild access that no hook saw: the stack's guard page, or a null function.
static void crash() {
  fail(kCrash, nullptr, 0, 0, here(site_at(nullptr), kRead), "the thread's stack is exhausted, or a wild jump");
}

static const char* interrupted_at;

// Scalars are looked at before they are divided; elements of vectors are not.
static void divide() {
  const char* const what = "integer division by zero, or of the least number by -1";
  fail(kArithmetic, nullptr, 0, 0, here(site_at(interrupted_at + 1), kRead), what);
}

static void run_on() {
  fail(kEndless, nullptr, 0, 0, here(site_at(interrupted_at + 1), kRead), "a loop that neither ends nor touches memory");
}

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGVTALRM};
constexpr int kSignalCount = 4;
constexpr int kPatience = 2;  // ticks
constexpr long kTickSeconds = 2;

static char spare_stack[64 << 10], escape_stack[64 << 10];
static struct sigaction previous[kSignalCount];
static timer_t timer;
static bool has_timer;
static u64 seen_progress;
static int idle_ticks;

static const char* place_of(void* context) {
  return reinterpret_cast<char*>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
}

// Continues in `function`, on a stack that is sure to be there.
static void escape_to(void (*function)(), void* context) {
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  registers[REG_RSP] = (reinterpret_cast<long long>(escape_stack + sizeof escape_stack) & ~15ll) - 8;
  registers[REG_RIP] = reinterpret_cast<long long>(function);
}

static void on_fault(int number, siginfo_t*, void* context) {
  if (state.is_running) {
    interrupted_at = place_of(context);
    return escape_to(number == SIGFPE ? divide : crash, context);
  }
  for (int n = 0; n < kSignalCount; ++n) {
    if (kSignals[n] == number) sigaction(number, &previous[n], nullptr);
  }
}

static u64 progress() {
  return state.accesses_left + (state.switches << 32);
}

static void on_tick(int, siginfo_t*, void* context) {
  const bool is_idle = state.is_running && progress() == seen_progress;
  seen_progress = progress();
  idle_ticks = is_idle ? idle_ticks + 1 : 0;
  if (idle_ticks < kPatience) return;
  const char* const at = place_of(context);
  if (at < state.image_begin || at >= state.image_end) return;
  interrupted_at = at;
  escape_to(run_on, context);
}

static void start_timer() {
  struct sigevent event = {};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGVTALRM;
  event.sigev_notify_thread_id = int(syscall(SYS_gettid));
  has_timer = timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &timer) == 0;
  const struct itimerspec every = {{kTickSeconds, 0}, {kTickSeconds, 0}};
  if (has_timer) timer_settime(timer, 0, &every, nullptr);
  idle_ticks = 0;
}

static void set_handlers(bool is_on) {
  for (int n = 0; n < kSignalCount; ++n) {
    struct sigaction action = {};
    action.sa_sigaction = kSignals[n] == SIGVTALRM ? on_tick : on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    if (is_on) sigaction(kSignals[n], &action, &previous[n]);
    else sigaction(kSignals[n], &previous[n], nullptr);
  }
}

void guard(bool is_on) {
  static stack_t before;
  stack_t mine = {};
  mine.ss_sp = spare_stack;
  mine.ss_size = sizeof spare_stack;
  if (is_on) {
    sigaltstack(&mine, &before);
    set_handlers(true);
    start_timer();
    return;
  }
  if (has_timer) timer_delete(timer);
  set_handlers(false);
  sigaltstack(&before, nullptr);
}

}  // namespace emu
