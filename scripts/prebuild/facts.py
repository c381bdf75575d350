"""Prints what LIEF reads in addons, one JSON text for all of them: what `verify.js` judges."""

import json
import sys

import lief


def elf(binary):
    imports = []
    for symbol in binary.imported_symbols:
        version = symbol.symbol_version
        need = version.symbol_version_auxiliary if version else None
        weak = symbol.binding == lief.ELF.Symbol.BINDING.WEAK
        imports.append({"name": symbol.name, "version": need.name if need else None, "weak": weak})
    return {
        "format": "ELF",
        "machine": binary.header.machine_type.name,
        "libraries": list(binary.libraries),
        "imports": imports,
        "exports": [symbol.name for symbol in binary.exported_symbols],
    }


def pe(binary):
    exports = binary.get_export()
    return {
        "format": "PE",
        "machine": binary.header.machine.name,
        "libraries": [library.name for library in binary.imports],
        "imports": [{"name": entry.name, "library": library.name} for library in binary.imports for entry in library.entries],
        "exports": [entry.name for entry in exports.entries] if exports else [],
    }


def mach_o(binary):
    if binary.has_build_version:
        oldest = binary.build_version.minos
    else:
        oldest = binary.version_min.version
    sound, reason = lief.MachO.check_layout(binary)
    own_name = [command.name for command in binary.commands if command.command == lief.MachO.LoadCommand.TYPE.ID_DYLIB]
    return {
        "format": "Mach-O",
        "machine": binary.header.cpu_type.name,
        "libraries": [library.name for library in binary.libraries if library.name not in own_name],
        "imports": [{"name": symbol.name} for symbol in binary.imported_symbols],
        "exports": [symbol.name for symbol in binary.exported_symbols],
        "oldest": ".".join(str(part) for part in oldest[:2]),
        "name": own_name[0] if own_name else None,
        "signed": binary.has_code_signature,
        "layout": None if sound else reason,
    }


def facts(path):
    binary = lief.parse(path)
    if isinstance(binary, lief.ELF.Binary):
        return elf(binary)
    if isinstance(binary, lief.PE.Binary):
        return pe(binary)
    if isinstance(binary, lief.MachO.Binary):
        return mach_o(binary)
    raise SystemExit(f"{path} is no ELF, PE or Mach-O file")


print(json.dumps([facts(path) for path in sys.argv[1:]]))
