"""Tiny hand-made files in the published layouts of ICD-10-PCS, HCPCS Level II and CPT."""

from __future__ import annotations

from pathlib import Path

PCS_TABLES = """<?xml version="1.0" encoding="UTF-8"?>
<ICD10PCS.tabular xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <version>2027</version>
  <pcsTable>
    <axis pos="1" values="1"><title>Section</title><label code="0">Medical and Surgical</label></axis>
    <axis pos="2" values="1"><title>Body System</title><label code="F">Hepatobiliary System</label></axis>
    <axis pos="3" values="1"><title>Operation</title><label code="T">Resection</label>
      <definition>Cutting out all of a body part</definition></axis>
    <pcsRow codes="2">
      <axis pos="4" values="1"><title>Body Part</title><label code="4">Gallbladder</label></axis>
      <axis pos="5" values="2"><title>Approach</title><label code="0">Open</label>
        <label code="4">Percutaneous Endoscopic</label></axis>
      <axis pos="6" values="1"><title>Device</title><label code="Z">No Device</label></axis>
      <axis pos="7" values="1"><title>Qualifier</title><label code="Z">No Qualifier</label></axis>
    </pcsRow>
  </pcsTable>
</ICD10PCS.tabular>
"""


def order_line(number: int, code: str, flag: str, title: str) -> str:
    return f"{number:05d} {code:<7} {flag} {title[:60]:<60} {title}"


PCS_LINES = [
    order_line(1, "0FT", "0", "Hepatobiliary System and Pancreas, Resection"),
    order_line(2, "0FT40ZZ", "1", "Resection of Gallbladder, Open Approach"),
    order_line(3, "0FT44ZZ", "1", "Resection of Gallbladder, Percutaneous Endoscopic Approach"),
]


def pcs_folder(folder: Path, lines: list[str] = PCS_LINES, tables: str = PCS_TABLES) -> Path:
    (folder / "icd10pcs_order_2027.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if tables:
        (folder / "icd10pcs_tables_2027.xml").write_text(tables, encoding="utf-8")
    return folder


def hcpcs_record(
    code: str,
    kind: str,
    text: str,
    *,
    short: str = "",
    added: str = "",
    last: str = "",
    action: str = "N",
) -> str:
    """A record of 320 characters; a modifier stands in columns 4 and 5."""
    name = f"   {code}" if kind in "78" else code
    begun = f"{name:<5}{'00100':<5}{kind}{text:<80}{short:<28}"
    return f"{begun:<268}{added:<8}{added:<8}{last:<8}{action}".ljust(320)


HCPCS_LINES = [
    hcpcs_record(
        "A0001",
        "3",
        "Made up wheelchair with a very long description that",
        short="Wheelchair",
        added="20240101",
    ),
    hcpcs_record("A0001", "4", "goes on in a second record"),
    hcpcs_record(
        "A0002", "3", "Made up crutch", short="Crutch", added="20200101", last="20261031", action="D"
    ),
    hcpcs_record("XY", "7", "Made up modifier", short="Made up", added="20200101"),
]


def hcpcs_file(folder: Path, lines: list[str] = HCPCS_LINES, name: str = "HCPC2026_OCT_ANWEB.txt") -> Path:
    path = folder / name
    path.write_text("\r\n".join(lines) + "\r\n", encoding="cp1252")
    return path


def cpt_folder(folder: Path, **texts: str) -> Path:
    """LONGULT, MEDU and SHORTU with descriptions made up here."""
    own = {
        "LONGULT": "Notice of the owner, 2026\n\n00001\tMade up operation on a toe\n0001T\tMade up new operation\n",
        "MEDU": "00001\tMADE UP TOE OPERATION\n0001T\tMADE UP NEW OPERATION\n",
        "SHORTU": "00001 TOE OP\n0001T NEW OP\n",
    }
    for name, text in {**own, **texts}.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return folder
