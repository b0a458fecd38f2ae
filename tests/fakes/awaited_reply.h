// A handler's answer that a test waits for.
#ifndef SLUICE_TESTS_FAKES_AWAITED_REPLY_H_
#define SLUICE_TESTS_FAKES_AWAITED_REPLY_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "core/mutex.h"
#include "service/handler.h"

namespace sluice {

// Something that another thread hands over once.
template <class T>
class Handover {
 public:
  void Put(T value) {
    MutexLock lock(mutex_);
    value_ = std::move(value);
    arrived_.NotifyAll();
  }
  // nullopt when nothing comes within 30 s.
  absl::optional<T> Wait() {
    MutexLock lock(mutex_);
    while (!value_.has_value()) {
      if (!arrived_.WaitFor(mutex_, 30'000'000)) return absl::nullopt;
    }
    return std::move(value_);
  }

 private:
  Mutex mutex_;
  CondVar arrived_;
  absl::optional<T> value_ ABSL_GUARDED_BY(mutex_);
};

template <class Response>
struct Answered {
  absl::Status status;
  Response response;
};

// Calls a handler of `service`. Request and response are gone as soon as the reply has run, so that
// asan tells who touches them later; a second reply finds them gone, too.
template <class Service, class Request, class Response>
Answered<Response> CallHandler(Service& service,
                               void (Service::*handler)(const Request&, const CallContext&,
                                                        Response*, Reply),
                               const Request& request, const CallContext& context) {
  struct Memory {
    Request request;
    Response response;
  };
  auto memory = std::make_unique<Memory>(Memory{request, {}});
  Memory& lent = *memory;
  Handover<Answered<Response>> handover;
  (service.*handler)(lent.request, context, &lent.response,
                     [&handover, memory = std::move(memory)](absl::Status status) mutable {
                       Response response = std::move(memory->response);
                       memory = nullptr;
                       handover.Put({std::move(status), std::move(response)});
                     });
  return handover.Wait().value_or(Answered<Response>{absl::InternalError("no answer came"), {}});
}

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_AWAITED_REPLY_H_
