"""A contract of import-linter that it lacks: modules of certain names are their own package's, in every package."""

from __future__ import annotations

import grimp
from importlinter import Contract, ContractCheck, fields, output
from importlinter.application import contract_utils


class PrivateModulesContract(Contract):
    """Modules of these names, anywhere below a package, are imported only from within the package they lie in.

    `protected` could say so for one package; this says it for every one, also for those that are added later.

    package: where to look, such as `anju_platform`.
    private_modules: names of modules, such as `models`; whatever lies below one of that name is as private.
    ignore_imports: imports that are let through, as in every other contract; one that is not there is an error.
    """

    type_name = "private_modules"

    package = fields.ModuleField()
    private_modules = fields.ListField(subfield=fields.StringField())
    ignore_imports = fields.SetField(subfield=fields.ImportExpressionField(), required=False)
    unmatched_ignore_imports_alerting = fields.EnumField(
        contract_utils.AlertLevel, default=contract_utils.AlertLevel.ERROR
    )

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002, FBT001 - its parent's form
        """Look at every importer of every private module."""
        removal = contract_utils.remove_ignored_imports_and_report(
            graph=graph,
            ignore_imports=self.ignore_imports,  # type: ignore[arg-type] # a field is its value, once it is read
            unmatched_alerting=self.unmatched_ignore_imports_alerting,  # type: ignore[arg-type]
        )
        found = [
            (importer, module)
            for module in sorted(graph.find_descendants(self.package.name))  # type: ignore[attr-defined]
            if (owner := self.find_owner(module))
            for importer in sorted(graph.find_modules_that_directly_import(module))
            if not f"{importer}.".startswith(f"{owner}.")
        ]
        return ContractCheck(
            kept=not found,
            warnings=list(removal.warnings),
            ignored_import_count=removal.ignored_import_count,
            metadata={"found": found},
        )

    def find_owner(self, module: str) -> str | None:
        """The package that a private module belongs to, or None where the module is not private."""
        private: list[str] = self.private_modules  # type: ignore[assignment]
        parts = module.split(".")
        place = next((place for place, part in enumerate(parts) if place and part in private), 0)
        return ".".join(parts[:place]) or None

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Name each import that breaks the contract."""
        for importer, module in check.metadata["found"]:
            output.print_error(f"{importer} imports {module}, which only {self.find_owner(module)} may")
