"""Training, evaluation, reports and benchmarks of Anju; the distribution `anju-research`, never on a gateway."""
