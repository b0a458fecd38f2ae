#include <random>
#include <utility>

#include "backend/redis/routers.h"

namespace sluice {
namespace {

// One that answers READONLY is asked anew only so often: its name may lead elsewhere by now, but
// while it does not, what only reads is still answered.
constexpr int64_t kBetweenRetirementsUs = 1'000'000;

class SingleRouter final : public Router, public Connection::Owner {
 public:
  SingleRouter(const RedisOptions& options, const std::vector<std::string>& scripts,
               RouterCounts& counts, EventLoop& loop)
      : endpoint_(options.addresses.front()),
        manner_(NodeManner(options, scripts)),
        counts_(counts),
        loop_(loop),
        random_(std::random_device{}()),
        up_(counts),
        connection_(std::make_unique<Connection>(options, manner_, counts, loop, random_, *this)) {
    connection_->Open({endpoint_});
  }

  ~SingleRouter() override {
    // What is failed now may send again.
    const std::unique_ptr<Connection> closing = std::move(connection_);
  }

  void Send(std::unique_ptr<RedisCall> call) override {
    if (connection_ == nullptr) {
      FailAsClosing(std::move(call), counts_);
    } else {
      connection_->Send(ErrandOf(std::move(call)));
    }
  }

  std::vector<Endpoint> Primaries() const override { return {endpoint_}; }

  void SendTo(const Endpoint& primary, std::unique_ptr<RedisCall> call) override {
    if (primary == endpoint_) {
      Send(std::move(call));
    } else {
      FailAsNoPrimary(primary, std::move(call), counts_);
    }
  }

 private:
  void OnReady(Connection&) override { up_.Set(true); }
  void OnLost(Connection&) override { up_.Set(false); }

  bool OnErrorReply(Connection& connection, Errand&, absl::string_view error) override {
    if (CodeOf(error) == "READONLY" && retired_us_ + kBetweenRetirementsUs <= loop_.now_us()) {
      retired_us_ = loop_.now_us();
      connection.Retire();
    }
    return false;
  }

  const Endpoint endpoint_;
  const Manner manner_;
  RouterCounts& counts_;
  EventLoop& loop_;
  std::mt19937 random_;
  UpShare up_;
  int64_t retired_us_ = 0;
  std::unique_ptr<Connection> connection_;
};

}  // namespace

std::unique_ptr<Router> NewSingleRouter(const RedisOptions& options,
                                        const std::vector<std::string>& scripts,
                                        RouterCounts& counts, EventLoop& loop) {
  return std::make_unique<SingleRouter>(options, scripts, counts, loop);
}

}  // namespace sluice
