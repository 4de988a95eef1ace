// What the thread sanitizer must be told of CAF; empty in every other build. Debian's libcaf_core is not instrumented,
// so the sanitizer sees neither how a message passes from thread to thread nor how references are counted, and would
// take every hand-over for a race. A program's own functions come before those of a shared library, also for the
// library itself (unless it was linked with -Bsymbolic-functions): here stand those few of CAF through which every
// message and every last reference goes. A message gets the one edge that CAF gives it, from its sender to whoever
// looks at it, and no other, so our own races are still found.
#if defined(__SANITIZE_THREAD__)

#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

#include <caf/all.hpp>
#include <caf/config.hpp>

#include <cstdlib>
#include <utility>

static_assert(CAF_VERSION == 1706, "compare the functions below with the library's, then raise the number");

namespace nexus {
namespace {

/// A message in a wrapper that CAF cannot open without passing by here, on whichever thread and at whatever moment of a
/// resumption it took it out of the mailbox.
class traced_message final : public caf::mailbox_element {
 public:
  explicit traced_message(caf::mailbox_element_ptr carried)
      : caf::mailbox_element(std::move(carried->sender), carried->mid, std::move(carried->stages)),
        carried_(std::move(carried)) {
    __tsan_release(this);
  }
  // It may die unread, on the thread of its receiver.
  ~traced_message() override { __tsan_acquire(this); }

  caf::type_erased_tuple& content() override { return received().content(); }
  const caf::type_erased_tuple& content() const override { return received().content(); }
  caf::message move_content_to_message() override { return received().move_content_to_message(); }
  caf::message copy_content_to_message() const override { return received().copy_content_to_message(); }

 private:
  caf::mailbox_element& received() const {
    __tsan_acquire(const_cast<traced_message*>(this));
    return *carried_;
  }

  caf::mailbox_element_ptr carried_;
};

template <class Actor>
using enqueue_function = void (*)(Actor*, caf::mailbox_element_ptr, caf::execution_unit*);

/// Returns the library's own function of this mangled name.
template <class Function>
Function original(const char* name) {
  auto* const found = ::dlsym(RTLD_NEXT, name);
  if (found == nullptr) std::abort();
  return reinterpret_cast<Function>(found);
}

}  // namespace
}  // namespace nexus

namespace caf {

// Every actor's mailbox is one of these two kinds.

void scheduled_actor::enqueue(mailbox_element_ptr element, execution_unit* unit) {
  static const auto enqueue = nexus::original<nexus::enqueue_function<scheduled_actor>>(
      "_ZN3caf15scheduled_actor7enqueueESt10unique_ptrINS_15mailbox_elementENS_6detail8disposerEEPNS_14execution_"
      "unitE");
  enqueue(this, mailbox_element_ptr(new nexus::traced_message(std::move(element))), unit);
}

void blocking_actor::enqueue(mailbox_element_ptr element, execution_unit* unit) {
  static const auto enqueue = nexus::original<nexus::enqueue_function<blocking_actor>>(
      "_ZN3caf14blocking_actor7enqueueESt10unique_ptrINS_15mailbox_elementENS_6detail8disposerEEPNS_14execution_unitE");
  enqueue(this, mailbox_element_ptr(new nexus::traced_message(std::move(element))), unit);
}

// The counts as the library does them, but instrumented: what was done through a reference comes before the end of what
// it named.

void intrusive_ptr_release(actor_control_block* x) {
  if (x->strong_refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  x->data_dtor(x->get());
  intrusive_ptr_release_weak(x);  // all strong references together hold one weak one
}

void intrusive_ptr_release_weak(actor_control_block* x) {
  if (x->weak_refs.fetch_sub(1, std::memory_order_acq_rel) == 1) x->block_dtor(x);
}

void ref_counted::deref() const noexcept {
  if (unique()) {
    request_deletion(false);
  } else if (rc_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    request_deletion(true);
  }
}

}  // namespace caf

#endif
