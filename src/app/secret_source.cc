#include "app/secret_source.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "app/keys.h"

extern char** environ;

namespace pgmoat::app {

namespace {

using Fetched = Result<auth::Secret, std::string>;

// A descriptor that is closed when it goes.
struct Descriptor {
  int fd = -1;
  explicit Descriptor(int the_fd) : fd(the_fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }
  void close() {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
};

// Grows by hand, so that no piece of a secret stays behind in freed memory.
class Gathered {
 public:
  ~Gathered() { OPENSSL_cleanse(octets_.data(), octets_.size()); }
  std::span<char> room() { return std::span(octets_).subspan(size_); }
  void filled(std::size_t size) { size_ += size; }
  auth::Secret secret() const { return auth::Secret(std::string_view(octets_.data(), size_)); }

 private:
  std::vector<char> octets_ = std::vector<char>(kMostSecretBytes + 1);
  std::size_t size_ = 0;
};

// Until the end of the stream or the deadline; the error is what went wrong, after "PATH ".
Fetched read_all(int fd, Duration patience) {
  const Instant deadline = Instant::clock::now() + patience;
  Gathered gathered;
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Instant::clock::now());
    pollfd waiting{fd, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) == 0) {
      return std::string("gave no answer in time");
    }
    if (gathered.room().empty()) return std::string("is longer than a password may be");
    const ssize_t got = ::read(fd, gathered.room().data(), gathered.room().size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::string("cannot be read: ") + std::strerror(errno);
    if (got == 0) return gathered.secret();
    gathered.filled(static_cast<std::size_t>(got));
  }
}

// Of a password: without the newline that editors and echo leave behind it.
Fetched one_line(const Fetched& read, const std::string& name) {
  if (!read) return name + " " + read.error();
  std::string_view text = read->text();
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  if (text.empty()) return name + " is empty";
  if (text.find_first_of(std::string_view("\0\n", 2)) != text.npos) {
    return name + " holds more than one line, or a NUL";
  }
  return auth::Secret(text);
}

std::vector<std::string> words_of(const std::string& command) {
  std::vector<std::string> words;
  std::size_t at = 0;
  while ((at = command.find_first_not_of(' ', at)) != command.npos) {
    const std::size_t end = std::min(command.find(' ', at), command.size());
    words.push_back(command.substr(at, end - at));
    at = end;
  }
  return words;
}

// How the program ended: by itself until the deadline, else it and all that it has started is killed.
int end_of(pid_t pid, Instant deadline) {
  int status = 0;
  while (::waitpid(pid, &status, WNOHANG) == 0) {
    if (Instant::clock::now() >= deadline) ::kill(-pid, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return status;
}

// Without a shell. Its own complaints go to our standard error.
Fetched run_program(const std::string& command, Duration patience) {
  std::vector<std::string> words = words_of(command);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::string("has no pipe to answer through");
  Descriptor out(ends[0]), in(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, in.fd, STDOUT_FILENO);
  // The sockets of our sessions are not its own: it would keep them open, and could read them.
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  pid_t pid = 0;
  const int error =
      ::posix_spawnp(&pid, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return std::string("cannot be started: ") + std::strerror(error);
  in.close();
  const Instant deadline = Instant::clock::now() + patience;
  Fetched answer = read_all(out.fd, patience);
  const int status = end_of(pid, answer ? deadline : Instant::clock::now());
  if (answer && status != 0) {
    return WIFEXITED(status) ? "ended with status " + std::to_string(WEXITSTATUS(status))
                             : std::string("was killed");
  }
  return answer;
}

}  // namespace

Result<SecretSource, std::string> parse_source(std::string_view text, const std::string& file) {
  static constexpr std::pair<std::string_view, SecretSource::Kind> kKinds[] = {
      {"file:", SecretSource::Kind::file},
      {"env:", SecretSource::Kind::env},
      {"cred:", SecretSource::Kind::cred},
      {"exec:", SecretSource::Kind::exec}};
  for (const auto& [prefix, kind] : kKinds) {
    if (!text.starts_with(prefix)) continue;
    SecretSource source{kind, std::string(text.substr(prefix.size()))};
    if (source.what.find_first_not_of(' ') == std::string::npos) {
      return "'" + std::string(prefix) + "' lacks what it refers to";
    }
    if (kind == SecretSource::Kind::file) source.what = beside(file, source.what);
    if (kind == SecretSource::Kind::cred && source.what.find('/') != std::string::npos) {
      return std::string("the name of a systemd credential has no '/'");
    }
    return source;
  }
  return std::string(
      "a password is referred to, not written here: file:PATH, env:NAME, cred:NAME or "
      "exec:PROGRAM");
}

Fetched read_secret_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat about {};
  if (file.fd < 0) return path + ": " + std::strerror(errno);
  if (::fstat(file.fd, &about) != 0 || !S_ISREG(about.st_mode)) return path + ": it is no file";
  Fetched text = read_all(file.fd, kProgramPatience);
  if (!text) return path + ": it " + text.error();
  return text;
}

Fetched fetch(const SecretSource& source, Duration patience) {
  switch (source.kind) {
    case SecretSource::Kind::none: break;
    case SecretSource::Kind::file: {
      const Fetched text = read_secret_file(source.what);
      return text ? one_line(text, source.what) : text;
    }
    case SecretSource::Kind::env: {
      const char* const value = std::getenv(source.what.c_str());
      if (value == nullptr) return "the environment has no " + source.what;
      return one_line(auth::Secret(std::string_view(value)), "env:" + source.what);
    }
    case SecretSource::Kind::cred: {
      const char* const folder = std::getenv("CREDENTIALS_DIRECTORY");
      if (folder == nullptr) {
        return std::string("no systemd credentials: CREDENTIALS_DIRECTORY is not set");
      }
      const std::string path = std::string(folder) + "/" + source.what;
      const Fetched text = read_secret_file(path);
      return text ? one_line(text, path) : text;
    }
    case SecretSource::Kind::exec: return one_line(run_program(source.what, patience), source.what);
  }
  return std::string("nothing is referred to");
}

}  // namespace pgmoat::app
