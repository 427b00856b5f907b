#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include <orrery/field.hpp>
#include <orrery/reader.hpp>

#include "config/reader_messages.hpp"

namespace orrery {

Reader::Reader(Node node, std::string name, Diagnostics& diagnostics)
    : node_(std::move(node)), name_(std::move(name)), diagnostics_(&diagnostics) {
  if (node_.kind() == Node::Kind::Map) return;
  diagnostics_->error(node_.where(), expected_but_got(name_, "a map of keys", node_));
}

Location Reader::where(const std::string& key) const {
  const Node* value = node_.find(key);
  return value == nullptr ? node_.where() : value->where();
}

bool Reader::has(const std::string& key) const {
  const Node* value = node_.find(key);
  return value != nullptr && value->kind() != Node::Kind::Null;
}

// A key without a value counts as absent, so that `key: ~` takes back what a library entry says.
// Nothing is missing from what is no map: that is reported already.
const Node* Reader::take(const std::string& key, bool required) {
  known_.push_back(key);
  if (has(key)) return node_.find(key);
  if (required && node_.kind() == Node::Kind::Map) {
    const char* what = node_.find(key) == nullptr ? "key" : "value of";
    error(key, fmt::format("missing {} '{}' in {}", what, key, name_));
  }
  return nullptr;
}

std::string Reader::text(const std::string& key) {
  const Node* value = take(key, true);
  if (value == nullptr) return "";
  if (value->kind() != Node::Kind::Scalar) error(key, expected_but_got(key, "text", *value));
  return value->text();
}

std::string Reader::text_or(const std::string& key, const std::string& fallback) {
  return has(key) ? text(key) : (ignore(key), fallback);
}

std::vector<std::string> Reader::texts(const std::string& key) {
  const Node* value = take(key, true);
  if (value == nullptr) return {};
  if (value->kind() != Node::Kind::Sequence) {
    error(key, expected_but_got(key, "a sequence such as [a, b]", *value));
  }
  std::vector<std::string> result;
  for (const Node& item : value->items()) {
    const bool scalar = item.kind() == Node::Kind::Scalar;
    if (!scalar) diagnostics_->error(item.where(), expected_but_got(key, "text", item));
    if (scalar) result.push_back(item.text());
  }
  return result;
}

void Reader::refuse_choice(const std::string& key, const Node& value,
                           const std::vector<std::string>& names) {
  error(key, expected_but_got(key, fmt::format("one of {}", fmt::join(names, ", ")), value) +
                 did_you_mean(value.text(), names));
}

Reader Reader::child(const std::string& key, bool required) {
  const Node* value = take(key, required);
  if (value != nullptr) return Reader(*value, key, *diagnostics_);
  Reader empty(Node::map({}, where(key)), key, *diagnostics_);
  if (required) empty.node_ = Node::null(where(key));  // so that its keys are not missed as well
  return empty;
}

std::vector<Reader> Reader::children(const std::string& key, bool required) {
  const Node* value = take(key, required);
  if (value == nullptr) return {};
  if (value->kind() != Node::Kind::Sequence) {
    error(key, expected_but_got(key, "a sequence of maps", *value));
  }
  std::vector<Reader> result;
  for (const Node& item : value->items()) {
    result.emplace_back(item, fmt::format("{}[{}]", key, result.size()), *diagnostics_);
  }
  return result;
}

std::vector<std::string> Reader::keys() const {
  std::vector<std::string> result;
  for (const Node::Entry& entry : node_.entries()) result.push_back(entry.key);
  return result;
}

Node Reader::raw(const std::string& key) {
  const Node* value = take(key, false);
  return value == nullptr ? Node::null(where(key)) : *value;
}

void Reader::ignore(const std::string& key) {
  known_.push_back(key);
  ignored_.push_back(key);
}

void Reader::error(const std::string& key, const std::string& what) {
  diagnostics_->error(where(key), what);
}

void Reader::finish() { report_unknown(known_); }

void Reader::finish(std::span<const std::string* const> known) {
  const auto accepted = [&](const std::string& key) {
    const auto same = [&key](const std::string* name) { return *name == key; };
    return std::ranges::any_of(known, same) || std::ranges::count(ignored_, key) > 0 ||
           std::ranges::count(prose_keys(), key) > 0;
  };
  const auto& entries = node_.entries();
  if (std::ranges::all_of(entries, accepted, &Node::Entry::key)) return;
  std::vector<std::string> names = ignored_;
  for (const std::string* name : known) names.push_back(*name);
  names.insert(names.end(), prose_keys().begin(), prose_keys().end());
  report_unknown(std::move(names));
}

void Reader::report_unknown(std::vector<std::string> known) {
  std::vector<std::string> once;
  for (std::string& key : known) {
    if (std::ranges::count(once, key) == 0) once.push_back(std::move(key));
  }
  for (const Node::Entry& entry : node_.entries()) {
    if (std::ranges::count(once, entry.key) > 0) continue;
    std::string advice = did_you_mean(entry.key, once);
    if (advice.empty() && once.empty()) advice = "; expected no keys";
    if (advice.empty()) advice = fmt::format("; expected one of {}", fmt::join(once, ", "));
    diagnostics_->error(entry.where,
                        fmt::format("unknown key '{}' in {}{}", entry.key, name_, advice));
  }
}

}  // namespace orrery
