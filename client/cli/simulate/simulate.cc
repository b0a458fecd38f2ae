#include "cli/simulate/simulate.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "cli/exit_code.h"
#include "cli/simulate/output_file.h"
#include "cli/simulate/player.h"
#include "cli/simulate/plot.h"
#include "cli/simulate/progress.h"
#include "cli/simulate/setup.h"
#include "cli/simulate/shared_store.h"
#include "cli/simulate/tally.h"
#include "cli/simulate/timeline.h"
#include "cli/simulate/trace.h"
#include "cli/text.h"

namespace sluice::cli {
namespace {

bool IsStandardInput(const Simulation& simulation) {
  return simulation.trace.empty() || simulation.trace == "-";
}

// An open file for reading.
class InputFile {
 public:
  explicit InputFile(const std::string& path)
      : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile() {
    if (is_open()) close(descriptor_);
  }

  bool is_open() const { return descriptor_ >= 0; }
  bool is_folder() const {
    struct stat about {};
    return fstat(descriptor_, &about) == 0 && S_ISDIR(about.st_mode);
  }
  int descriptor() const { return descriptor_; }

 private:
  const int descriptor_;
};

// A strategy and all that is gathered of it.
struct Lane {
  Lane(const Contestant& its, SharedStore* store, const Rate& rate)
      : contestant(its),
        player(store != nullptr && its.limit.has_value() ? store->NewPlayer(its)
                                                         : NewMemoryPlayer(its)),
        tally(rate) {}

  const Contestant& contestant;
  std::unique_ptr<Player> player;
  Tally tally;
  absl::optional<size_t> context_column;
  // Of the rows that wait to be answered together.
  std::vector<std::string> contexts;
  std::vector<Answer> answers;
  // Of the picture, when there is to be one, once there is a row; the first row's counter is shown.
  absl::optional<Timeline> timeline;
  std::string shown_key;
  std::string shown_split;
};

// At most so many rows are answered together: over a network they share the way.
constexpr size_t kMostTogether = 256;

class Replay {
 public:
  // `store`: null for counters in memory.
  Replay(const Simulation& simulation, const Setup& setup, SharedStore* store, TraceReader& trace,
         CsvWriter& rows)
      : simulation_(simulation), setup_(setup), trace_(trace), rows_(rows) {
    lanes_.reserve(setup.contestants.size());
    for (const Contestant& contestant : setup.contestants) {
      lanes_.emplace_back(contestant, store, setup.rate);
    }
  }

  // The whole trace, or as far as it can be read and written.
  absl::Status Run(const std::ostream& out, absl::optional<Progress>& progress) {
    absl::Status header = trace_.ReadHeader();
    if (!header.ok()) return header;
    for (Lane& lane : lanes_) {
      const absl::string_view key = lane.player->context_key();
      if (!key.empty()) lane.context_column = trace_.FindColumn(key);
    }
    WriteHeader();
    TraceRow row;
    for (;;) {
      const absl::StatusOr<bool> there = trace_.Next(row);
      absl::Status answered = !there.ok() || !*there ? AnswerAll() : absl::OkStatus();
      if (!answered.ok()) return answered;
      if (!there.ok()) return there.status();
      if (!*there || !out) return absl::OkStatus();
      Take(row);
      if (waiting_.size() == kMostTogether) answered = AnswerAll();
      if (!answered.ok()) return answered;
      if (progress.has_value()) progress->Row();
    }
  }

  // Answers what was read so far. Once it has failed, so does every call.
  absl::Status AnswerAll() {
    for (Lane& lane : lanes_) {
      if (!failure_.ok()) return failure_;
      questions_.clear();
      for (size_t i = 0; i < waiting_.size(); ++i) {
        questions_.push_back({waiting_[i].row, lane.contexts[i]});
      }
      failure_ = lane.player->Play(questions_, lane.answers);
    }
    if (!failure_.ok()) return failure_;
    for (size_t i = 0; i < waiting_.size(); ++i) {
      for (Lane& lane : lanes_) Tell(waiting_[i].row, lane.answers[i], lane);
    }
    waiting_.clear();
    for (Lane& lane : lanes_) lane.contexts.clear();
    return absl::OkStatus();
  }

  std::string Summary() const {
    std::vector<NamedTally> tallies;
    for (const Lane& lane : lanes_) tallies.push_back({lane.contestant.strategy, &lane.tally});
    return SummaryText(setup_.rate, tallies);
  }

  std::string Picture() const {
    Plot plot;
    const absl::string_view path = simulation_.trace;
    plot.title = IsStandardInput(simulation_)
                     ? "Replay of standard input"
                     : absl::StrCat("Replay of ", path.substr(path.rfind('/') + 1));
    plot.rate = setup_.rate;
    plot.rows = row_count_;
    for (const Lane& lane : lanes_) {
      if (lane.timeline.has_value()) plot.panels.push_back(PanelOf(lane));
    }
    return DrawPlot(plot);
  }

 private:
  bool names_strategies() const { return lanes_.size() > 1; }

  static PlotPanel PanelOf(const Lane& lane) {
    const absl::optional<Limit>& limit = lane.contestant.limit;
    return {.strategy = lane.contestant.strategy,
            .params = lane.contestant.params,
            .counters = static_cast<int64_t>(lane.player->counters()),
            .shown_key = lane.shown_key,
            .shown_split = lane.shown_split,
            .has_windows = limit.has_value() && limit->WindowEndsIn(0) != 0,
            .timeline = *lane.timeline};
  }

  void WriteHeader() {
    if (names_strategies()) rows_.Text("strategy");
    for (absl::string_view column :
         {"t_us", "key", "op", "cost", "allowed", "hits_remaining", "wait_us", "reset_us"}) {
      rows_.Text(column);
    }
    rows_.EndRecord();
  }

  // The reader's memory is its own until the next row.
  struct Waiting {
    explicit Waiting(const TraceRow& its) : key(std::make_unique<std::string>(its.key)), row(its) {
      row.key = *key;
    }
    std::unique_ptr<std::string> key;
    TraceRow row;
  };

  void Take(const TraceRow& row) {
    ++row_count_;
    waiting_.emplace_back(row);
    for (Lane& lane : lanes_) {
      lane.contexts.emplace_back(lane.context_column.has_value() ? trace_.Cell(*lane.context_column)
                                                                 : absl::string_view());
    }
  }

  void Tell(const TraceRow& row, const Answer& answer, Lane& lane) {
    WriteRow(lane.contestant.strategy, row, answer);
    if (simulation_.summary) lane.tally.Count(row, answer);
    if (!simulation_.plot.empty()) Remember(row, answer, lane);
  }

  void WriteRow(const std::string& strategy, const TraceRow& row, const Answer& answer) {
    if (names_strategies()) rows_.Text(strategy);
    rows_.Number(row.t_us).Text(row.key).Text(OpName(row.op)).Number(row.cost);
    rows_.Number(answer.allowed ? 1 : 0);
    for (const int64_t amount : {answer.remaining, answer.wait_us, answer.reset_us}) {
      if (amount == kNever) {
        rows_.Text("inf");
      } else {
        rows_.Number(amount);
      }
    }
    rows_.EndRecord();
  }

  void Remember(const TraceRow& row, const Answer& answer, Lane& lane) {
    if (!lane.timeline.has_value()) {
      lane.timeline.emplace(row.t_us);
      lane.shown_key = std::string(row.key);
      lane.shown_split = std::string(answer.split);
    }
    Bin bin;
    if (row.op == Op::kHit) {
      (answer.allowed ? bin.admitted : bin.denied) = static_cast<double>(row.cost);
    }
    // The counter of the first row.
    if (answer.counter == 0) bin.remaining = answer.remaining;
    lane.timeline->Add(row.t_us, bin);
  }

  const Simulation& simulation_;
  const Setup& setup_;
  TraceReader& trace_;
  CsvWriter& rows_;
  std::vector<Lane> lanes_;
  std::vector<Waiting> waiting_;
  std::vector<Question> questions_;
  absl::Status failure_;
  int64_t row_count_ = 0;
};

absl::Status AboutFile(absl::string_view option, absl::string_view path, absl::string_view why) {
  return absl::UnavailableError(absl::StrCat(option, ": ", path, ": ", why));
}

struct Files {
  absl::optional<InputFile> trace;      // nullopt: standard input
  std::unique_ptr<OutputFile> picture;  // nullptr: none
};

// Before there are any answers, so that nobody waits for a picture that cannot be written.
absl::Status Open(const Simulation& simulation, Files& files) {
  if (!IsStandardInput(simulation)) {
    files.trace.emplace(simulation.trace);
    if (!files.trace->is_open()) {
      return AboutFile("--trace", simulation.trace, std::strerror(errno));
    }
    if (files.trace->is_folder()) {
      return AboutFile("--trace", simulation.trace, std::strerror(EISDIR));
    }
  }
  if (!simulation.plot.empty()) {
    auto picture = OutputFile::Open(simulation.plot);
    if (!picture.ok()) return AboutFile("--plot", simulation.plot, picture.status().message());
    files.picture = *std::move(picture);
  }
  return absl::OkStatus();
}

absl::Status Run(const Simulation& simulation, const SimulationStreams& streams) {
  const absl::StatusOr<Setup> setup = Prepare(simulation);
  if (!setup.ok()) return setup.status();
  Files files;
  absl::Status opened = Open(simulation, files);
  if (!opened.ok()) return opened;
  std::unique_ptr<SharedStore> store;
  if (!simulation.backend.empty()) {
    auto connected = ConnectStore(simulation.backend);
    if (!connected.ok()) return connected.status();
    store = *std::move(connected);
  }

  const ByteSource source =
      files.trace.has_value() ? ReadFrom(files.trace->descriptor()) : streams.in;
  CsvWriter rows(streams.out);
  Replay* answering = nullptr;
  // Who feeds it row by row has each answer before the next row.
  const auto answer_then_read = [&](char* to, size_t room) -> absl::StatusOr<size_t> {
    const absl::Status answered = answering->AnswerAll();
    // The reader tells errors of its own; that one is told in its place.
    if (!answered.ok()) return absl::UnavailableError("its rows are not answered");
    rows.Flush();
    return source(to, room);
  };
  TraceReader trace(IsStandardInput(simulation) ? "stdin" : simulation.trace, answer_then_read);
  Replay replay(simulation, *setup, store.get(), trace, rows);
  answering = &replay;
  absl::optional<Progress> progress;
  if (streams.progress != nullptr) progress.emplace(*streams.progress, streams.err);
  absl::Status replayed = replay.Run(streams.out, progress);
  progress.reset();
  rows.Flush();
  if (store != nullptr) replayed.Update(store->RemoveKeys());
  if (!replayed.ok() || !streams.out) return replayed;

  if (files.picture != nullptr) {
    const absl::Status written = files.picture->Write(replay.Picture());
    if (!written.ok()) return AboutFile("--plot", simulation.plot, written.message());
  }
  if (simulation.summary) streams.err << replay.Summary();
  return absl::OkStatus();
}

}  // namespace

int Simulate(const Simulation& simulation, const SimulationStreams& streams) {
  const absl::Status done = Run(simulation, streams);
  if (!done.ok()) {
    streams.err << absl::StrCat("sluicectl simulate: ", Printable(done.message()), "\n");
  }
  return done.ok() && streams.out ? kExitFine : kExitError;
}

}  // namespace sluice::cli
