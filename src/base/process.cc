#include "base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <iterator>

#include "base/text.h"

namespace ropeway {
namespace {

constexpr size_t kKeptOutput = 64 << 10;
constexpr int kPollMilliseconds = 20;

struct Pipe {
  int read_end = -1, write_end = -1;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) fail(ErrorCode::io, "cannot make a pipe: {}", std::strerror(errno));
    read_end = ends[0];
    write_end = ends[1];
  }
  ~Pipe() {
    close(read_end);
    close_write_end();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_write_end() {
    if (write_end >= 0) close(write_end);
    write_end = -1;
  }
};

// In the child, between fork and exec: system calls only, for other threads' locks are held for ever here. Reports errno of what failed.
[[noreturn]] void become(char* const* arguments, const char* folder, int output, int report) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int nothing = open("/dev/null", O_RDONLY);
  if (nothing >= 0 && chdir(folder) == 0 && dup2(nothing, 0) >= 0 && dup2(output, 1) >= 0 && dup2(output, 2) >= 0) execv(arguments[0], arguments);
  const int problem = errno;
  (void)!write(report, &problem, sizeof problem);
  _exit(127);
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

}  // namespace

ProcessResult run_process(const std::vector<std::string>& arguments, const std::filesystem::path& folder, double seconds) {
  Pipe output, report;
  std::vector<char*> words;
  for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const std::string where = folder.string();

  const pid_t child = fork();
  if (child < 0) fail(ErrorCode::io, "cannot start {}: {}", arguments[0], std::strerror(errno));
  if (child == 0) become(words.data(), where.c_str(), output.write_end, report.write_end);
  setpgid(child, child);  // whichever of the two comes first
  output.close_write_end();
  report.close_write_end();

  ProcessResult result;
  int problem = 0;
  if (read(report.read_end, &problem, sizeof problem) == sizeof problem) {
    waitpid(child, nullptr, 0);
    fail(ErrorCode::io, "cannot start {}: {}", arguments[0], std::strerror(problem));
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  fcntl(output.read_end, F_SETFL, O_NONBLOCK);
  int state = 0;
  bool open = true;
  while (waitpid(child, &state, WNOHANG) == 0) {
    pollfd wanted{open ? output.read_end : -1, POLLIN, 0};
    if (poll(&wanted, 1, kPollMilliseconds) > 0) open = drain(output.read_end, result.output);
    if (!result.timed_out && std::chrono::steady_clock::now() >= deadline) {
      result.timed_out = true;
      kill(-child, SIGKILL);
    }
  }
  kill(-child, SIGKILL);  // what it has left running
  while (open) {
    const size_t before = result.output.size();
    if (!drain(output.read_end, result.output) || result.output.size() == before) break;
  }
  if (result.output.size() > kKeptOutput) result.output.erase(0, result.output.size() - kKeptOutput);
  result.status = WIFEXITED(state) ? WEXITSTATUS(state) : -1;
  result.signal = WIFSIGNALED(state) ? WTERMSIG(state) : 0;
  return result;
}

}  // namespace ropeway
