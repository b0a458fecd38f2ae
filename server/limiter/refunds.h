// Takes back what a denied request was charged on a backend that does not answer just then.
#ifndef SLUICE_LIMITER_REFUNDS_H_
#define SLUICE_LIMITER_REFUNDS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "backend/backend.h"
#include "core/clock.h"
#include "core/key.h"
#include "core/mutex.h"
#include "limiter/observer.h"
#include "strategy/limit.h"

namespace sluice {

// One charge to be taken back.
struct Refund {
  CounterKey key;
  Limit limit;
  int64_t amount;  // hits, above 0
  int tag;
};

// Thread-safe. Asks for up to two seconds, as long as errors prove that nothing ran. What then
// remains, or may have been given back, or is too much to keep, is an orphan: a charge for a
// request that did not pass.
class Refunds {
 public:
  // Both outlive the refunds; the observer is told what was given up.
  Refunds(Observer& observer, const Clock& clock) : observer_(observer), clock_(clock) {}
  // Gives up what is still open.
  ~Refunds();

  // Of one unit of the backend, whose name that is.
  void Add(std::shared_ptr<Backend> backend, std::string name, std::vector<Refund> refunds);

 private:
  class Attempt;

  void Run();
  // Those that wait for their next turn, which comes every kTurnUs; empty when there will be none.
  std::vector<Attempt*> NextTurn();
  void Done(Attempt& attempt, const absl::Status& status);
  void GiveUp(const Attempt& attempt);

  Observer& observer_;
  const Clock& clock_;
  Mutex mutex_;
  CondVar changed_;
  CondVar stopped_;
  std::vector<Attempt*> waiting_ ABSL_GUARDED_BY(mutex_);
  size_t asked_ ABSL_GUARDED_BY(mutex_) = 0;  // attempts that a backend has not answered yet
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_ ABSL_GUARDED_BY(mutex_);  // started by the first that has to wait
};

}  // namespace sluice

#endif  // SLUICE_LIMITER_REFUNDS_H_
