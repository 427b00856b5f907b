#pragma once
/// Models of one kind by name.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <orrery/field.hpp>
#include <orrery/reader.hpp>

namespace orrery {

/// Named factories of one interface. A factory reads its parameters and calls Reader::finish(). The
/// table of its keys, if it gives one, goes into the documentation and is made only for it.
template <class Interface>
class Models {
 public:
  using Factory = std::function<std::unique_ptr<const Interface>(Reader&)>;
  using Keys = const Table& (*)();
  /// Models such as "gpu.tiled"; one of a name that is known takes its place.
  void add(const std::string& name, Factory factory, Keys keys = nullptr) {
    factories_[name] = std::move(factory);
    keys_[name] = keys;
  }
  /// Of the models that gave one, sorted by name. Makes them anew at every call.
  [[nodiscard]] std::vector<Table> tables() const {
    std::vector<Table> result;
    for (const auto& [name, keys] : keys_) {
      if (keys == nullptr) continue;
      result.push_back(keys());
      result.back().name = name;
    }
    return result;
  }
  /// Sorted.
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& entry : factories_) result.push_back(entry.first);
    return result;
  }
  /// Makes the model that `key` of `reader` names (or `fallback` when absent); null after reporting
  /// an unknown name. Other mistakes go to the reader's diagnostics, too: a model that was made
  /// with mistakes must not be used. @pre there is a model
  std::unique_ptr<const Interface> make(Reader& reader, const std::string& key,
                                        const std::string& fallback = "") const {
    std::vector<std::pair<std::string, const Factory*>> options;
    for (const auto& [name, factory] : factories_) options.emplace_back(name, &factory);
    const auto found = factories_.find(fallback);
    const Factory* chosen = found != factories_.end() && !reader.has(key)
                                ? &found->second
                                : reader.choice<const Factory*>(key, options);
    if (reader.has(key) && factories_.count(reader.raw(key).text()) == 0)
      return nullptr;  // reported by choice()
    return (*chosen)(reader);
  }

 private:
  std::map<std::string, Factory> factories_;
  std::map<std::string, Keys> keys_;
};

}  // namespace orrery
