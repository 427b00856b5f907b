#pragma once
/// Where results go.

#include <filesystem>
#include <string>

#include <orrery/report.hpp>

namespace orrery::cli {

/// To a file, whole or not at all, or to the output where `path` is "-". @throws SimulationError
void write_file(const std::string& path, const std::string& text);
/// job.csv and step.csv of `report`, in a folder that is made where there is none.
/// @throws ConfigError where it has neither, SimulationError where they cannot be written.
void write_series(const Report& report, const std::filesystem::path& folder);
/// Writes out what standard output holds. @throws SimulationError where it cannot be.
void check_output();

}  // namespace orrery::cli
