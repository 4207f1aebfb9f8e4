#include "weights/write_order.hpp"

#include <algorithm>
#include <cstdint>
#include <queue>
#include <utility>

#include "weights/plan_check.hpp"

namespace enginewright {

namespace {

constexpr std::size_t mostActive = 2;
constexpr std::size_t mostUnfinished = 3;

struct Active {
  std::size_t output;
  std::size_t nextPiece;
  /// That it gave, and what the other one had given before it began.
  std::uint64_t bytes;
};

class Order {
 public:
  explicit Order(const WeightsPlan& plan) : plan_(plan) {}

  std::vector<WriteStep> list() {
    while (true) {
      while (active_.size() < mostActive && begun_ < plan_.outputs.size()) begin();
      if (active_.empty()) return std::move(steps_);
      const auto behind = std::min_element(active_.begin(), active_.end(),
                                           [](const Active& a, const Active& b) { return a.bytes < b.bytes; });
      advance(*behind);
      if (behind->nextPiece < plan_.outputs[behind->output].pieces.size()) continue;
      unfinished_.push(behind->output);
      active_.erase(behind);
    }
  }

 private:
  void begin() {
    const std::uint64_t pace = active_.empty() ? 0 : active_.front().bytes;
    active_.push_back({begun_++, 0, pace});
  }

  void advance(Active& active) {
    WriteStep step{active.output, std::nullopt, std::nullopt};
    if (active.nextPiece == 0 && active_.size() + unfinished_.size() > mostUnfinished) {
      step.waitsFor = unfinished_.front();
      unfinished_.pop();
    }
    const std::vector<Piece>& pieces = plan_.outputs[active.output].pieces;
    if (!pieces.empty()) {
      step.piece = active.nextPiece;
      active.bytes += bytesOf(pieces[active.nextPiece]);
    }
    ++active.nextPiece;
    steps_.push_back(step);
  }

  const WeightsPlan& plan_;
  std::vector<WriteStep> steps_;
  std::vector<Active> active_;
  /// All of their pieces are in the order, and nobody waits for them yet.
  std::queue<std::size_t> unfinished_;
  std::size_t begun_ = 0;
};

}  // namespace

std::vector<WriteStep> writeOrder(const WeightsPlan& plan) { return Order(plan).list(); }

}  // namespace enginewright
