"""What an event type is called in other vocabularies: ACE 2005, CAMEO, schema.org and Wikidata.

The mappings of the shipped ontologies are data files in `kb/mappings`; an ontology of one's own has them beside its types:

```toml
[[type]]
id = "Conflict.Demonstrate"
mapping = { ace = ["Conflict.Demonstrate"], cameo = ["14"], schema_org = [], wikidata = ["Q175331"] }
```
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["IRI_PREFIXES", "Mapping", "shipped_mappings"]

IRI_PREFIXES = {
    "ace": "urn:ace:2005:",
    "cameo": "urn:cameo:",
    "schema_org": "https://schema.org/",
    "wikidata": "http://www.wikidata.org/entity/",
}
"""What makes an IRI of an id of each vocabulary; ACE and CAMEO have no addresses of their own."""


class Mapping(BaseModel):
    """Ids of an event type in other vocabularies: close matches, not equals.

    Attributes:
        ace: Type, or type and subtype, of ACE 2005, such as `Conflict.Attack`.
        cameo: Codes of CAMEO, two digits for a root and up to four in all.
        schema_org: Types of schema.org, such as `SportsEvent`.
        wikidata: Items of Wikidata, such as `Q40231`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ace: tuple[Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]*(\.[A-Z][A-Za-z-]*)?$")], ...] = ()
    cameo: tuple[Annotated[str, Field(pattern=r"^\d{2,4}$")], ...] = ()
    schema_org: tuple[Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]*$")], ...] = ()
    wikidata: tuple[Annotated[str, Field(pattern=r"^Q[1-9]\d*$")], ...] = ()


@cache
def shipped_mappings(ontology: str) -> dict[str, Mapping]:
    """Return the mapping of each event type of a shipped ontology that has one."""
    text = resources.files("kb").joinpath("mappings", f"{ontology}.toml").read_text(encoding="utf-8")
    return {event_type: Mapping.model_validate(ids) for event_type, ids in tomllib.loads(text).items()}
