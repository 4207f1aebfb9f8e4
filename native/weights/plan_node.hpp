// A value of a plan and where it stands, so that every complaint can name the place. Included by the parsers alone: the
// JSON library takes its time to compile.
#pragma once

#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "weights/failure.hpp"
#include "weights/plan.hpp"

namespace enginewright {

using nlohmann::json;

/// A value and where it stands, so that every complaint can name the place.
class Node {
 public:
  Node(const json& value, std::string place) : value_(value), place_(std::move(place)) {}

  [[noreturn]] void refuse(const std::string& expected) const {
    throw Failure(FailureName::PlanInvalid, (place_.empty() ? "the plan" : place_) + " must be " + expected);
  }

  [[nodiscard]] bool isNull() const { return value_.is_null(); }

  [[nodiscard]] bool has(const char* key) const { return value_.contains(key); }

  [[nodiscard]] Node at(const char* key) const {
    const auto member = value_.find(key);
    Node found(member == value_.end() ? null() : *member, place_.empty() ? key : place_ + "." + key);
    if (member == value_.end()) found.refuse("present");
    return found;
  }

  void allowOnly(std::initializer_list<const char*> keys) const {
    if (!value_.is_object()) refuse("an object");
    for (const auto& member : value_.items()) {
      bool known = false;
      for (const char* key : keys) known = known || member.key() == key;
      if (!known) refuse("without the key \"" + member.key() + "\", which this version does not know");
    }
  }

  [[nodiscard]] std::vector<Node> list() const {
    if (!value_.is_array()) refuse("a list");
    std::vector<Node> nodes;
    nodes.reserve(value_.size());
    for (const json& entry : value_)
      nodes.emplace_back(entry, place_ + "[" + std::to_string(nodes.size()) + "]");
    return nodes;
  }

  [[nodiscard]] std::uint64_t count() const {
    if (!value_.is_number_unsigned()) refuse("a whole number from 0");
    return value_.get<std::uint64_t>();
  }

  [[nodiscard]] std::vector<std::uint64_t> counts() const {
    std::vector<std::uint64_t> numbers;
    for (const Node& node : list()) numbers.push_back(node.count());
    return numbers;
  }

  [[nodiscard]] double finiteNumber() const {
    if (!value_.is_number() || !std::isfinite(value_.get<double>())) refuse("a finite number");
    return value_.get<double>();
  }

  [[nodiscard]] bool truth() const {
    if (!value_.is_boolean()) refuse("true or false");
    return value_.get<bool>();
  }

  [[nodiscard]] const std::string& text() const {
    if (!value_.is_string()) refuse("a text");
    return value_.get_ref<const std::string&>();
  }

  /// A path: no NUL, which would cut it short on its way into the system.
  [[nodiscard]] const std::string& absolutePath() const {
    const std::string& path = text();
    if (path.empty() || path.front() != '/' || path.back() == '/' || path.find('\0') != std::string::npos) {
      refuse("the absolute path of a file");
    }
    return path;
  }

 private:
  static const json& null() {
    static const json value;
    return value;
  }

  const json& value_;
  std::string place_;
};

/// F64, F32, F16 or BF16.
[[nodiscard]] FloatDtype dtypeOf(const Node& node);
[[nodiscard]] MatrixRange matrixOf(const Node& node);

}  // namespace enginewright
