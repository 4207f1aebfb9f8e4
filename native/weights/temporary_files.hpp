// The files that must not outlive this process unless they get their final name. The list is global because a
// signal handler has no other way to reach it; it is the only global state here.
#pragma once

#include <string>

namespace enginewright {

/// From now on SIGTERM, SIGINT and SIGHUP remove every listed file and end the process with 128 + signal.
void endCleanlyOnSignals();

class TemporaryFile {
 public:
  /// Lists the path before the file exists, so that no signal can fall between creating and listing it.
  explicit TemporaryFile(const std::string& path);
  /// Removes the file if it is still listed.
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  [[nodiscard]] const std::string& path() const;
  /// It has another name now, or was never created.
  void forget();

 private:
  struct Entry;
  friend void removeListedFiles();
  Entry* entry_;
};

/// Holds the three signals back while it lives: renaming several files must not stop half-way.
class SignalsHeldBack {
 public:
  SignalsHeldBack();
  ~SignalsHeldBack();
  SignalsHeldBack(const SignalsHeldBack&) = delete;
  SignalsHeldBack& operator=(const SignalsHeldBack&) = delete;
};

}  // namespace enginewright
