// A redis-server of a test's own.
#ifndef SLUICE_TESTS_FAKES_REDIS_REDIS_SERVER_H_
#define SLUICE_TESTS_FAKES_REDIS_REDIS_SERVER_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "tests/fakes/temp_folder.h"

namespace sluice {

// In PEM; tests/fakes/certificates.h makes them.
struct RedisTls {
  std::string certificate;
  std::string key;
  std::string ca;               // signs the certificates of clients
  bool ask_for_client = false;  // refuses clients without a certificate
};

struct RedisSetup {
  // Lines of redis.conf: "requirepass secret", "maxmemory 2mb", "user bob on >pw ~* +@all".
  std::vector<std::string> config;
  absl::optional<RedisTls> tls;  // port() then speaks nothing else
  bool sentinel = false;
  bool cluster = false;  // cluster_port() is then the port of its bus
};

// A port of the loopback on which nobody listens. It lies below those that the kernel gives to
// outgoing connections, so that a server that is stopped and started again finds it free.
int FreePort();

// A real redis-server on 127.0.0.1, in a temporary folder, which keeps nothing on disk unless its
// options say so. It dies with this process. What cannot be done ends the test with a message.
//
// Cli, CpuUs and the getters may be called from any thread; what starts, stops and signals, from
// one at a time.
class RedisServer {
 public:
  // Returns when it answers.
  explicit RedisServer(RedisSetup options = {});
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  int port() const { return port_; }
  int cluster_port() const { return cluster_port_; }
  std::string endpoint() const;     // "127.0.0.1:PORT"
  std::string socket_path() const;  // of its Unix socket, which never speaks TLS
  std::string folder() const { return folder_.path().string(); }
  pid_t Pid() const { return pid_; }  // 0 when it does not run
  std::string Log() const;

  // Runs a command as a user of the fixture's own, whatever passwords there are, and returns the
  // reply as `redis-cli` prints it into a pipe: errors as text, nil as nothing, one line for each
  // element of an array. Nothing comes back, too, when no reply came within `timeout_us`.
  std::string Cli(const std::vector<std::string>& command, int64_t timeout_us = 5'000'000) const;
  // The value of a line "field:value" of INFO, or of CLUSTER INFO; empty when there is none.
  std::string Info(const std::string& field) const;
  std::string ClusterInfo(const std::string& field) const;

  void Kill();     // SIGKILL; returns when it is gone
  void Stop();     // SIGSTOP: connections stay, nothing is answered
  void Resume();   // SIGCONT
  void Restart();  // kills it if it runs; the same port, returns when it answers

  // What it has used of the processor since its start, in steps of 10 ms.
  int64_t CpuUs() const;

 private:
  void Configure();
  bool Launch();  // false when it ended at once, as it does when another has the port

  const RedisSetup options_;
  const TempFolder folder_;
  int port_ = 0;
  int cluster_port_ = 0;
  pid_t pid_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_FAKES_REDIS_REDIS_SERVER_H_
