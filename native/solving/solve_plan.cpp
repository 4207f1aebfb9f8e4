#include "solving/solve_plan.hpp"

#include "quantizing/piece_reader.hpp"
#include "weights/base64.hpp"
#include "weights/plan_node.hpp"

namespace enginewright {

namespace {

void readMethod(const Node& node, SolvePlan& plan) {
  const std::string& kind = node.at("kind").text();
  if (kind == "gptq") {
    node.allowOnly({"kind", "damp", "order"});
    plan.method = SolveMethod::Gptq;
    plan.gptq.damp = node.at("damp").finiteNumber();
    if (plan.gptq.damp <= 0) node.at("damp").refuse("above 0");
    const std::string& order = node.at("order").text();
    if (order != "natural" && order != "activation") node.at("order").refuse("natural or activation");
    plan.gptq.activationOrder = order == "activation";
  } else if (kind == "awq") {
    node.allowOnly({"kind"});
    plan.method = SolveMethod::Awq;
  } else if (kind == "smoothquant") {
    node.allowOnly({"kind", "alpha"});
    plan.method = SolveMethod::SmoothQuant;
    plan.alpha = node.at("alpha").finiteNumber();
    if (plan.alpha < 0 || plan.alpha > 1) node.at("alpha").refuse("from 0 to 1");
  } else {
    node.at("kind").refuse("gptq, awq or smoothquant");
  }
}

StatisticsRange statisticsOf(const Node& node) {
  node.allowOnly({"file", "columns", "gram", "meanAbs", "amax"});
  StatisticsRange range;
  range.file = node.at("file").absolutePath();
  range.columns = node.at("columns").count();
  range.gram = node.at("gram").count();
  range.meanAbs = node.at("meanAbs").count();
  range.amax = node.at("amax").count();
  return range;
}

LinearPlan linearOf(const Node& node) {
  node.allowOnly({"name", "weights", "codes", "scales", "zeros", "clip"});
  LinearPlan linear;
  linear.name = node.at("name").text();
  linear.weights = matrixOf(node.at("weights"));
  linear.codes = node.at("codes").count();
  linear.scales = node.at("scales").count();
  if (!node.at("zeros").isNull()) linear.zeros = node.at("zeros").count();
  linear.clip = node.at("clip").truth();
  return linear;
}

void readFold(const Node& node, LinearGroupPlan& group) {
  if (node.isNull()) return;
  const std::string& kind = node.at("kind").text();
  if (kind == "vector") {
    node.allowOnly({"kind", "vector", "to"});
    group.vectorFold = VectorFold{matrixOf(node.at("vector")), node.at("to").count()};
  } else if (kind == "rows") {
    node.allowOnly({"kind", "linear"});
    group.rowFold = node.at("linear").text();
  } else {
    node.at("kind").refuse("vector or rows");
  }
}

LinearGroupPlan groupOf(const Node& node) {
  node.allowOnly({"statistics", "linears", "fold"});
  LinearGroupPlan group;
  group.statistics = statisticsOf(node.at("statistics"));
  for (const Node& linear : node.at("linears").list()) group.linears.push_back(linearOf(linear));
  readFold(node.at("fold"), group);
  return group;
}

}  // namespace

SolvePlan parseSolvePlan(const std::string& text) {
  const json value = json::parse(text, nullptr, false);
  const Node root(value, "");
  root.allowOnly({"version", "output", "grid", "scaleDtype", "method", "groups"});
  if (root.at("version").count() != 1) root.at("version").refuse("1");
  SolvePlan plan;
  const Node output = root.at("output");
  output.allowOnly({"path", "bytes", "header"});
  plan.path = output.at("path").absolutePath();
  plan.bytes = output.at("bytes").count();
  auto header = bytesFromBase64(output.at("header").text());
  if (!header) output.at("header").refuse("base64");
  plan.header = std::move(*header);
  plan.grid.grid = gridOf(root.at("grid"));
  if (plan.grid.grid.kind != GridKind::Integer) root.at("grid").refuse("an integer grid");
  plan.grid.scaleDtype = scaleDtypeOf(root.at("scaleDtype"));
  readMethod(root.at("method"), plan);
  for (const Node& group : root.at("groups").list()) plan.groups.push_back(groupOf(group));
  return plan;
}

}  // namespace enginewright
