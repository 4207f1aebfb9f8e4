#include "weights/temporary_files.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <memory>
#include <vector>

namespace enginewright {

struct TemporaryFile::Entry {
  explicit Entry(const std::string& name) : path(name) {}
  std::string path;
  std::atomic<bool> listed{true};
  Entry* next = nullptr;
};

namespace {

constexpr std::array<int, 3> endingSignals = {SIGTERM, SIGINT, SIGHUP};

// A list that only grows, read by the handler without a lock. Entries live as long as the process.
std::atomic<void*> newestEntry{nullptr};

sigset_t endingSet() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : endingSignals) sigaddset(&set, signal);
  return set;
}

}  // namespace

/// Only unlink(2) and atomics: both are allowed in a signal handler (signal-safety(7)).
void removeListedFiles() {
  auto* entry = static_cast<TemporaryFile::Entry*>(newestEntry.load());
  for (; entry != nullptr; entry = entry->next) {
    if (entry->listed.load()) ::unlink(entry->path.c_str());
  }
}

namespace {

extern "C" void endOnSignal(int signal) {
  removeListedFiles();
  ::_exit(128 + signal);
}

}  // namespace

void endCleanlyOnSignals() {
  struct sigaction action {};
  action.sa_handler = endOnSignal;
  action.sa_mask = endingSet();
  for (const int signal : endingSignals) ::sigaction(signal, &action, nullptr);
  // A reader that went away, or a file beyond the limit, is then an error of write(2) with the usual
  // clean-up.
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
}

TemporaryFile::TemporaryFile(const std::string& path) : entry_(nullptr) {
  // Never destroyed: a signal may still come while the process ends.
  static auto& entries = *new std::vector<std::unique_ptr<Entry>>;
  entries.push_back(std::make_unique<Entry>(path));
  entry_ = entries.back().get();
  entry_->next = static_cast<Entry*>(newestEntry.load());
  newestEntry.store(entry_);
}

TemporaryFile::~TemporaryFile() {
  if (entry_->listed.load()) ::unlink(entry_->path.c_str());
  entry_->listed.store(false);
}

const std::string& TemporaryFile::path() const { return entry_->path; }

void TemporaryFile::forget() { entry_->listed.store(false); }

SignalsHeldBack::SignalsHeldBack() {
  const sigset_t set = endingSet();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
}

SignalsHeldBack::~SignalsHeldBack() {
  const sigset_t set = endingSet();
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace enginewright
