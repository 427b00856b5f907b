// The executable: its composition root, and what becomes of exceptions.
#include <iostream>

#include <orrery/builtin.hpp>
#include <orrery/error.hpp>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/output.hpp"

int main(int argc, char** argv) {
  using namespace orrery;
  try {
    cli::Arguments arguments;
    const std::optional<int> ended = cli::parse(argc, argv, arguments);
    const int code = ended ? *ended : cli::execute(arguments, builtin_registry());
    cli::check_output();
    return code;
  } catch (const ConfigError& error) {
    std::cerr << error.what() << '\n';
    return cli::kBadInput;
  } catch (const OutputError& error) {
    std::cerr << "the output could not be written: " << error.what() << '\n';
    return cli::kCannotFinish;
  } catch (const SimulationError& error) {
    std::cerr << "the run could not finish: " << error.what() << '\n';
    return cli::kCannotFinish;
  } catch (const std::exception& error) {
    std::cerr << "internal error, please report it: " << error.what() << '\n';
    return cli::kBug;
  }
}
