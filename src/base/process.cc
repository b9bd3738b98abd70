#include "base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <iterator>

#include "base/env.h"
#include "base/text.h"

// Between the caller and the program stands a supervisor, a bare fork: it waits for the program, and kills the program's whole group when the caller asks for it, or
// is gone, however it ended.
namespace ropeway {
namespace {

constexpr size_t kKeptOutput = 64 << 10;
constexpr int kPollMilliseconds = 20;
constexpr int kUnkillableMilliseconds = 5000;
constexpr int kPipeBlocks = 256;  // more than the 64 KiB that a pipe holds, in the blocks of `drain`

struct Pipe {
  int read_end = -1, write_end = -1;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) fail(ErrorCode::io, "cannot make a pipe: {}", std::strerror(errno));
    read_end = ends[0];
    write_end = ends[1];
  }
  ~Pipe() {
    close_end(read_end);
    close_end(write_end);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  static void close_end(int& end) {
    if (end >= 0) close(end);
    end = -1;
  }
};

// What the supervisor tells when all is over.
struct Report {
  int problem;  // errno of what could not be started; 0 when it was
  int state;    // as waitpid gives it
};

// From here to `supervise`, in a fork of a process with other threads: system calls only, for their locks are held for ever here.

[[noreturn]] void become(char* const* arguments, char* const* environment_words, const char* folder, int output, int problem_pipe) {
  setpgid(0, 0);
  for (const int each : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGCHLD}) signal(each, SIG_DFL);
  const int nothing = open("/dev/null", O_RDONLY);
  if (nothing >= 0 && chdir(folder) == 0 && dup2(nothing, 0) >= 0 && dup2(output, 1) >= 0 && dup2(output, 2) >= 0) execve(arguments[0], arguments, environment_words);
  const int problem = errno;
  (void)!write(problem_pipe, &problem, sizeof problem);
  _exit(127);
}

// Waits for the program; kills it when a byte comes through `orders`, and when this process has another parent than `caller`. One that does not even end then hangs in
// the kernel, in a driver say: it is left behind.
void wait_for(pid_t program, int orders, pid_t caller, int& state) {
  int left = kUnkillableMilliseconds;
  bool killed = false;
  while (waitpid(program, &state, WNOHANG) == 0) {
    pollfd wanted{orders, POLLIN, 0};
    char order = 0;
    const bool asked = poll(&wanted, 1, kPollMilliseconds) > 0 && read(orders, &order, 1) == 1;
    killed = killed || asked || getppid() != caller;
    if (!killed) continue;
    kill(-program, SIGKILL);
    if ((left -= kPollMilliseconds) > 0) continue;
    state = SIGKILL;
    break;
  }
  kill(-program, SIGKILL);  // what it has left running
}

[[noreturn]] void supervise(char* const* arguments, char* const* environment_words, const char* folder, int output, int orders, pid_t caller, int report_pipe) {
  for (const int each : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) signal(each, SIG_IGN);
  signal(SIGCHLD, SIG_DFL);
  Report report{0, 0};
  int problems[2];
  if (pipe2(problems, O_CLOEXEC) != 0) _exit(1);
  const pid_t program = fork();
  if (program == 0) become(arguments, environment_words, folder, output, problems[1]);
  close(problems[1]);
  close(output);
  if (program < 0) {
    report.problem = errno;
  } else {
    setpgid(program, program);  // whichever of the two comes first
    if (read(problems[0], &report.problem, sizeof report.problem) != sizeof report.problem) report.problem = 0;
    wait_for(program, orders, caller, report.state);
  }
  (void)!write(report_pipe, &report, sizeof report);
  _exit(0);
}

// What can be read now. False at the end of the stream.
bool drain(int descriptor, std::string& output) {
  char block[4096];
  const ssize_t count = read(descriptor, block, sizeof block);
  if (count <= 0) return count < 0 && (errno == EINTR || errno == EAGAIN);
  output.append(block, static_cast<size_t>(count));
  if (output.size() > 2 * kKeptOutput) output.erase(0, output.size() - kKeptOutput);
  return true;
}

// As execve takes them; valid as long as `words`.
std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> result;
  for (const std::string& word : words) result.push_back(const_cast<char*>(word.c_str()));
  result.push_back(nullptr);
  return result;
}

}  // namespace

ProcessResult run_process(const std::vector<std::string>& arguments, const std::filesystem::path& folder, double seconds, const std::map<std::string, std::string>& variables) {
  Pipe output, orders, report_pipe;
  std::vector<std::string> environment_texts;
  std::map<std::string, std::string> environment = variables;
  environment.merge(environment_variables());
  for (const auto& [name, value] : environment) environment_texts.push_back(fmt::format("{}={}", name, value));
  const std::vector<char*> words = pointers(arguments), environment_words = pointers(environment_texts);
  const std::string where = folder.string();

  const pid_t caller = getpid(), supervisor = fork();
  if (supervisor < 0) fail(ErrorCode::io, "cannot start {}: {}", arguments[0], std::strerror(errno));
  if (supervisor == 0) supervise(words.data(), environment_words.data(), where.c_str(), output.write_end, orders.read_end, caller, report_pipe.write_end);
  Pipe::close_end(output.write_end);
  Pipe::close_end(report_pipe.write_end);

  ProcessResult result;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  fcntl(output.read_end, F_SETFL, O_NONBLOCK);
  bool open = true, over = false;
  while (!over) {
    pollfd wanted[2] = {{report_pipe.read_end, POLLIN, 0}, {open ? output.read_end : -1, POLLIN, 0}};
    if (poll(wanted, 2, kPollMilliseconds) > 0) {
      over = wanted[0].revents != 0;
      if (wanted[1].revents != 0) open = drain(output.read_end, result.output);
    }
    if (!result.timed_out && std::chrono::steady_clock::now() >= deadline) {
      result.timed_out = true;
      (void)!write(orders.write_end, "k", 1);
    }
  }
  Report report{};
  const bool told = read(report_pipe.read_end, &report, sizeof report) == sizeof report;
  waitpid(supervisor, nullptr, 0);
  if (!told) fail(ErrorCode::io, "cannot start {}, or lost sight of it", arguments[0]);
  if (report.problem != 0) fail(ErrorCode::io, "cannot start {}: {}", arguments[0], std::strerror(report.problem));
  // What lies in the pipe, and no more: a process that left the group may write for ever.
  for (int blocks = 0; open && blocks < kPipeBlocks; ++blocks) {
    const size_t before = result.output.size();
    if (!drain(output.read_end, result.output) || result.output.size() == before) break;
  }
  if (result.output.size() > kKeptOutput) result.output.erase(0, result.output.size() - kKeptOutput);
  result.status = WIFEXITED(report.state) ? WEXITSTATUS(report.state) : -1;
  result.signal = WIFSIGNALED(report.state) ? WTERMSIG(report.state) : 0;
  return result;
}

}  // namespace ropeway
