#include "net/server.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include <asio.hpp>
#include <utility>

#include "base/check.h"
#include "net/worker.h"

namespace pgmoat::net {

namespace {

constexpr rlim_t kSpareDescriptors = 64;
constexpr int kOwedCancels = 20;  // wrong keys over the limit that are remembered

using asio::ip::tcp;

Result<std::vector<tcp::endpoint>, std::string> resolve(const Address& address, const char* what) {
  asio::io_context io;
  tcp::resolver resolver(io);
  asio::error_code error;
  const auto found = resolver.resolve(address.host, std::to_string(address.port), error);
  if (error) {
    return std::string("cannot resolve the ") + what + " address " + to_string(address) + ": " +
           error.message() + "; check the host name";
  }
  std::vector<tcp::endpoint> endpoints;
  for (const auto& entry : found) endpoints.push_back(entry.endpoint());
  return endpoints;
}

// What the process holds without any session: of each worker the three of its io_context, and its
// listeners.
rlim_t descriptors_without_sessions(const ServerSetup& setup, unsigned workers) {
  return kSpareDescriptors + rlim_t{workers} * (3 + setup.listen.size());
}

// Two sockets a session. Returns how many sessions the process can really hold, 0 where none.
std::uint32_t fit_descriptors(std::uint32_t sessions, rlim_t others) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return sessions;
  const rlim_t wanted = rlim_t{sessions} * 2 + others;
  if (limit.rlim_cur < wanted) {
    limit.rlim_cur = std::min(wanted, limit.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur >= wanted) return sessions;
  if (limit.rlim_cur <= others) return 0;
  return static_cast<std::uint32_t>((limit.rlim_cur - others) / 2);
}

const char* remedy(const asio::error_code& error) {
  if (error == asio::error::address_in_use) return "; is another program using the port?";
  if (error == asio::error::access_denied) return "; a port below 1024 needs CAP_NET_BIND_SERVICE";
  if (error.value() == EADDRNOTAVAIL) return "; no network interface here has that address";
  return "; choose another address";
}

// SO_REUSEPORT would let a second pgmoat of the same user share the port, and with it the clients: a
// forgotten one in monitor mode would let some of them past. So the port is tried without it first.
asio::error_code already_taken(const tcp::endpoint& at) {
  asio::error_code error;
  if (at.port() == 0) return error;
  asio::io_context io;
  tcp::acceptor probe(io);
  probe.open(at.protocol(), error);
  if (!error) probe.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) probe.bind(at, error);
  return error;
}

}  // namespace

std::string to_string(const Address& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

struct Server::Impl {
  Shared shared;
  std::vector<Address> listening;
  bool joined = false;

  std::string bind_all();
};

// Every worker listens on every address; port 0 is chosen by the first and shared by the others.
std::string Server::Impl::bind_all() {
  for (const Address& address : shared.setup.listen) {
    const auto endpoints = resolve(address, "listen");
    if (!endpoints) return endpoints.error();
    tcp::endpoint at = endpoints->front();
    if (const asio::error_code error = already_taken(at)) {
      return "cannot listen on " + to_string(address) + ": " + error.message() + remedy(error);
    }
    for (const auto& worker : shared.workers) {
      std::uint16_t port = 0;
      if (const asio::error_code error = worker->listen(at, port)) {
        return "cannot listen on " + to_string(address) + ": " + error.message() + remedy(error);
      }
      at.port(port);
    }
    listening.push_back({address.host, at.port()});
  }
  return {};
}

Server::Server() : impl_(std::make_unique<Impl>()) {}

Server::~Server() {
  if (impl_->joined) return;
  stop(Stop::now);
  wait();
}

Result<std::unique_ptr<Server>, std::string> Server::start(ServerSetup setup) {
  std::unique_ptr<Server> server(new Server());
  Shared& shared = server->impl_->shared;
  server->impl_->joined = true;  // until threads run
  shared.setup = std::move(setup);
  shared.guard.set(shared.setup.failed_logins, shared.setup.penalty);
  shared.cancel_guard.set(shared.setup.unknown_cancels, kOwedCancels * SourceGuard::kStep);
  shared.cancel_keys.set_node(shared.setup.node);
  unsigned workers = shared.setup.workers;
  if (workers == 0) workers = static_cast<unsigned>(std::max(1l, ::sysconf(_SC_NPROCESSORS_ONLN)));
  const rlim_t others = descriptors_without_sessions(shared.setup, workers);
  const std::uint32_t fitting = fit_descriptors(shared.setup.sessions, others);
  if (fitting == 0) {
    return "the limit of open files is too low for " + std::to_string(workers) +
           " workers and one session; raise LimitNOFILE (ulimit -n) to at least " +
           std::to_string(others + 2);
  }
  if (fitting < shared.setup.sessions && shared.setup.on_event) {
    shared.setup.on_event(
        0, session::Finding{"the limit of open files allows " + std::to_string(fitting) +
                            " sessions, not " + std::to_string(shared.setup.sessions) +
                            "; raise LimitNOFILE"});
  }
  shared.setup.sessions = std::min(fitting, shared.setup.sessions);
  const auto backend = resolve(shared.setup.backend, "backend");
  if (!backend) return backend.error();
  shared.backend = *backend;
  for (unsigned i = 0; i < workers; ++i) shared.workers.push_back(std::make_unique<Worker>(shared));
  if (std::string error = server->impl_->bind_all(); !error.empty()) return error;
  for (std::size_t i = 0; i < shared.workers.size(); ++i) {
    if (shared.workers[i]->start_thread()) continue;
    for (std::size_t k = 0; k < i; ++k) shared.workers[k]->post_stop(Stop::now);
    for (std::size_t k = 0; k < i; ++k) shared.workers[k]->join();
    return "cannot start worker thread " + std::to_string(i + 1) + " of " +
           std::to_string(shared.workers.size()) +
           "; set `workers` lower or raise the limits of memory and threads";
  }
  server->impl_->joined = false;
  return server;
}

void Server::stop(Stop how) {
  for (const auto& worker : impl_->shared.workers) worker->post_stop(how);
}

void Server::wait() {
  if (std::exchange(impl_->joined, true)) return;
  for (const auto& worker : impl_->shared.workers) worker->join();
}

std::vector<Address> Server::listening() const { return impl_->listening; }
std::size_t Server::sessions() const { return impl_->shared.sessions; }
std::size_t Server::workers() const { return impl_->shared.workers.size(); }

void Server::post_tls(const TlsContexts& contexts) {
  for (const auto& worker : impl_->shared.workers) worker->post_tls(contexts);
}

void Server::post_plan(const std::shared_ptr<const auth::Plan>& plan) {
  for (const auto& worker : impl_->shared.workers) worker->post_plan(plan);
}

void Server::post_to_judges(std::vector<std::function<void(policy::Judge&)>> tasks) {
  PGMOAT_CHECK(tasks.size() == workers());
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    impl_->shared.workers[i]->post_to_judge(std::move(tasks[i]));
  }
}

}  // namespace pgmoat::net
