// A stream that a test looks at from its own thread.
#ifndef SLUICE_TESTS_FAKES_STREAM_CLIENT_H_
#define SLUICE_TESTS_FAKES_STREAM_CLIENT_H_

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "core/mutex.h"
#include "io/stream.h"
#include "tests/fakes/on_loop.h"

namespace sluice {

// Connects on its loop, from which its hooks are called, too; they may Drop() the stream.
class StreamClient final : public Stream::Listener {
 public:
  struct Hooks {
    std::function<void(StreamClient&)> on_connected;
    std::function<void(StreamClient&, absl::string_view)> on_data;
    std::function<void(StreamClient&)> on_closed;
  };

  StreamClient(EventLoop& loop, const Endpoint& endpoint,
               std::shared_ptr<const TlsClient> tls = nullptr, Hooks hooks = {})
      : loop_(loop), hooks_(std::move(hooks)) {
    RunOn(loop_, [&] {
      stream_ = Connect(loop_, endpoint, std::move(tls), *this);
      MutexLock lock(mutex_);
      told_in_connect_ = times_connected_ + times_closed_ > 0;
    });
  }
  ~StreamClient() override {
    RunOn(loop_, [this] { Drop(); });
  }

  // On the loop.
  Stream& stream() { return *stream_; }
  void Drop() { stream_ = nullptr; }

  void Write(const std::string& bytes) {
    RunOn(loop_, [&] { stream_->Write(bytes); });
  }

  // False when it does not happen within 30 s.
  bool WaitConnected() {
    return WaitFor([this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return times_connected_ > 0; });
  }
  // What came, once it is `size` bytes or more.
  std::string WaitData(size_t size) {
    WaitFor([this, size]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return data_.size() >= size; });
    MutexLock lock(mutex_);
    return data_;
  }
  // Why it was closed; OK when it was not, within 30 s.
  absl::Status WaitClosed() {
    WaitFor([this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return times_closed_ > 0; });
    MutexLock lock(mutex_);
    return why_;
  }

  int times_connected() const {
    MutexLock lock(mutex_);
    return times_connected_;
  }
  int times_closed() const {
    MutexLock lock(mutex_);
    return times_closed_;
  }
  bool told_in_connect() const {
    MutexLock lock(mutex_);
    return told_in_connect_;
  }

 private:
  void OnConnected() override {
    if (hooks_.on_connected) hooks_.on_connected(*this);
    Tell([this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { ++times_connected_; });
  }
  void OnData(absl::string_view bytes) override {
    Tell([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS { data_.append(bytes.data(), bytes.size()); });
    if (hooks_.on_data) hooks_.on_data(*this, bytes);
  }
  void OnClosed(const absl::Status& why) override {
    const absl::Status copy = why;
    if (hooks_.on_closed) hooks_.on_closed(*this);
    Tell([&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      ++times_closed_;
      why_ = copy;
    });
  }

  void Tell(absl::FunctionRef<void()> change) {
    MutexLock lock(mutex_);
    change();
    changed_.NotifyAll();
  }
  bool WaitFor(absl::FunctionRef<bool()> happened) {
    MutexLock lock(mutex_);
    while (!happened()) {
      if (!changed_.WaitFor(mutex_, 30'000'000)) return happened();
    }
    return true;
  }

  EventLoop& loop_;
  const Hooks hooks_;
  std::unique_ptr<Stream> stream_;

  mutable Mutex mutex_;
  CondVar changed_;
  int times_connected_ ABSL_GUARDED_BY(mutex_) = 0;
  int times_closed_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string data_ ABSL_GUARDED_BY(mutex_);
  absl::Status why_ ABSL_GUARDED_BY(mutex_);
  bool told_in_connect_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_STREAM_CLIENT_H_
