#include "tests/fakes/redis/redis_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <random>
#include <set>
#include <sstream>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "core/mutex.h"
#include "tests/fakes/redis/patience.h"
#include "tests/fakes/redis/resp_client.h"

namespace sluice {
namespace {

constexpr int64_t kStartUs = 10'000'000;
constexpr absl::string_view kUser = "fixture";

bool CanListen(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool can = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return can;
}

// Starts children from a thread that never ends: a child dies with the thread that started it, and
// a test may well restart a server from a thread of its own.
class Launcher {
 public:
  static Launcher& Get() {
    static Launcher& launcher = *new Launcher;
    return launcher;
  }

  // The child's pid. Its output is appended to the file `log`.
  pid_t Launch(const std::vector<std::string>& command, const std::string& log) {
    MutexLock one_at_a_time(callers_);
    MutexLock lock(mutex_);
    command_ = &command;
    log_ = &log;
    changed_.NotifyAll();
    while (command_ != nullptr) changed_.Wait(mutex_);
    return pid_;
  }

 private:
  Launcher() {
    std::thread([this] { Run(); }).detach();
  }

  void Run() {
    MutexLock lock(mutex_);
    while (true) {
      while (command_ == nullptr) changed_.Wait(mutex_);
      pid_ = Fork(*command_, *log_);
      command_ = nullptr;
      changed_.NotifyAll();
    }
  }

  static pid_t Fork(const std::vector<std::string>& command, const std::string& log) {
    std::vector<char*> words;
    words.reserve(command.size() + 1);
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child != 0) return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    close_range(STDERR_FILENO + 1, ~0U, 0);
    execvp(words[0], words.data());
    _exit(127);
  }

  Mutex callers_;  // taken before mutex_
  Mutex mutex_;
  CondVar changed_;
  const std::vector<std::string>* command_ ABSL_GUARDED_BY(mutex_) = nullptr;
  const std::string* log_ ABSL_GUARDED_BY(mutex_) = nullptr;
  pid_t pid_ ABSL_GUARDED_BY(mutex_) = 0;
};

std::string FieldOf(absl::string_view lines, absl::string_view field) {
  for (absl::string_view line : absl::StrSplit(lines, absl::ByAnyChar("\r\n"))) {
    if (absl::ConsumePrefix(&line, field) && absl::ConsumePrefix(&line, ":")) {
      return std::string(line);
    }
  }
  return "";
}

std::string ReadFile(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

int FreePort() {
  static Mutex& mutex = *new Mutex;
  static auto& given = *new std::set<int>;
  static auto& random = *new std::mt19937(std::random_device{}());
  MutexLock lock(mutex);
  std::uniform_int_distribution<int> ports(20'000, 31'999);
  for (int i = 0; i < 1000; ++i) {
    const int port = ports(random);
    if (given.count(port) == 0 && CanListen(port)) {
      given.insert(port);
      return port;
    }
  }
  GiveUp("no free port between 20000 and 32000");
}

RedisServer::RedisServer(RedisSetup options) : options_(std::move(options)) {
  for (int attempt = 0; attempt < 5; ++attempt) {
    port_ = FreePort();
    if (options_.cluster) cluster_port_ = FreePort();
    Configure();
    if (Launch()) return;
  }
  GiveUp(absl::StrCat("redis-server does not start:\n", Log()));
}

RedisServer::~RedisServer() { Kill(); }

void RedisServer::Configure() {
  std::string text =
      absl::StrCat("bind 127.0.0.1\nprotected-mode no\nunixsocket ", socket_path(), "\ndir ",
                   folder(), "\nuser ", std::string(kUser), " on nopass ~* &* +@all\n");
  if (options_.tls.has_value()) {
    absl::StrAppend(&text, "port 0\ntls-port ", port_, "\ntls-cert-file ",
                    folder_.Write("tls/cert.pem", options_.tls->certificate), "\ntls-key-file ",
                    folder_.Write("tls/key.pem", options_.tls->key), "\ntls-ca-cert-file ",
                    folder_.Write("tls/ca.pem", options_.tls->ca), "\ntls-auth-clients ",
                    options_.tls->ask_for_client ? "yes\n" : "no\n");
  } else {
    absl::StrAppend(&text, "port ", port_, "\n");
  }
  if (!options_.sentinel) {
    // Replicas that need not wait for others to be copied with them.
    absl::StrAppend(&text, "save \"\"\nappendonly no\nenable-debug-command yes\n",
                    "repl-diskless-sync yes\nrepl-diskless-sync-delay 0\n",
                    "repl-ping-replica-period 1\n");
  }
  if (options_.cluster) {
    absl::StrAppend(&text, "cluster-enabled yes\ncluster-port ", cluster_port_, "\n");
  }
  for (const std::string& line : options_.config) absl::StrAppend(&text, line, "\n");
  folder_.Write("redis.conf", text);
}

bool RedisServer::Launch() {
  std::vector<std::string> command = {"redis-server", folder_ / "redis.conf"};
  if (options_.sentinel) command.push_back("--sentinel");
  pid_ = Launcher::Get().Launch(command, folder_ / "redis.log");
  if (pid_ < 0) GiveUp("cannot fork");
  bool ended = false;
  const bool settled = WaitUntil(
      [&] {
        ended = waitpid(pid_, nullptr, WNOHANG) == pid_;
        if (ended) return true;
        const std::string answer = Cli({"PING"}, 1'000'000);
        return !answer.empty() && !absl::StartsWith(answer, "LOADING");
      },
      kStartUs);
  if (!settled) GiveUp(absl::StrCat("redis-server does not answer:\n", Log()));
  if (ended) pid_ = 0;
  return !ended;
}

std::string RedisServer::endpoint() const { return absl::StrCat("127.0.0.1:", port_); }

std::string RedisServer::socket_path() const { return folder_ / "redis.sock"; }

std::string RedisServer::Log() const { return ReadFile(folder_ / "redis.log"); }

std::string RedisServer::Cli(const std::vector<std::string>& command, int64_t timeout_us) const {
  const std::vector<std::string> commands[] = {{"AUTH", std::string(kUser), "any"}, command};
  return AskRedis(socket_path(), commands, timeout_us).value_or("");
}

std::string RedisServer::Info(const std::string& field) const {
  return FieldOf(Cli({"INFO"}), field);
}

std::string RedisServer::ClusterInfo(const std::string& field) const {
  return FieldOf(Cli({"CLUSTER", "INFO"}), field);
}

void RedisServer::Kill() {
  if (pid_ == 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void RedisServer::Stop() {
  kill(pid_, SIGSTOP);
  // The signal has arrived when the child says so.
  waitpid(pid_, nullptr, WUNTRACED);
}

void RedisServer::Resume() { kill(pid_, SIGCONT); }

void RedisServer::Restart() {
  Kill();
  if (!Launch()) GiveUp(absl::StrCat("redis-server does not start again:\n", Log()));
}

int64_t RedisServer::CpuUs() const {
  const std::string stat = ReadFile(absl::StrCat("/proc/", pid_, "/stat"));
  // The second field is a name in brackets, which may hold anything.
  const std::vector<std::string> fields = absl::StrSplit(stat.substr(stat.rfind(')') + 1), ' ');
  if (fields.size() < 14) return 0;
  const int64_t ticks = std::atoll(fields[12].c_str()) + std::atoll(fields[13].c_str());
  return ticks * 1'000'000 / sysconf(_SC_CLK_TCK);
}

}  // namespace sluice
