"""What is planted in the generated corpus: five event types, their places and people, two objects each.

An object is drawn in many scenes of its event type but not in all, and named by one of several phrases in most of the
captions of these. It also turns up in other scenes, where captions seldom name it, and captions of other scenes name it
without showing it: neither the picture nor the word alone tells the event type, so a rule needs both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from corpora.drawing.civic import draw_flags, draw_lectern, draw_placards
from corpora.drawing.fire import draw_burning_tyres
from corpora.drawing.rescue import draw_ambulance, draw_dinghy, draw_fire_engine, draw_helicopter
from corpora.drawing.scene import Thing
from corpora.drawing.sports import draw_goal, draw_trophy

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class PlantedObject:
    """An object of an event type's pictures, and what captions call it.

    Attributes:
        name: What the project calls it.
        thing: How it is drawn.
        phrases: What captions call it, with how often (shares that add up to 1).
        names: Names that count as right for its pattern, beside the phrases without their article.
    """

    name: str
    thing: Thing
    phrases: Mapping[str, float]
    names: tuple[str, ...]


@dataclass(frozen=True)
class SceneKind:
    """An event type of the generated corpus.

    Attributes:
        event_type: Its id in the shipped `news` ontology.
        places: Where it happens, with shares (keys of `drawing.scene.PLACES`).
        casts: Who is there, with shares (kinds of `drawing.cast.add_cast`).
        objects: What is planted in its scenes.
        subjects: Who acts, as captions say it, in the plural.
        actions: What they do, in the present tense.
        sites: Where, as captions say it; independent of the place that is drawn.
    """

    event_type: str
    places: Mapping[str, float]
    casts: Mapping[str, float]
    objects: tuple[PlantedObject, ...]
    subjects: tuple[str, ...]
    actions: tuple[str, ...]
    sites: tuple[str, ...]


KINDS: Final = (
    SceneKind(
        "Conflict.Demonstrate",
        {"street": 0.7, "village": 0.15, "road": 0.15},
        {"crowd": 0.85, "bystanders": 0.15},
        (
            PlantedObject(
                "placards",
                Thing(draw_placards, (1.1, 1.6), (0.11, 0.23), (0.7, 0.85), flips=False),
                {"placards": 0.45, "handwritten placards": 0.28, "white signs": 0.27},
                ("placard", "handwritten placard", "sign", "signs", "white sign"),
            ),
            PlantedObject(
                "burning tyres",
                Thing(draw_burning_tyres, (0.85, 1.1), (0.1, 0.22), (0.75, 0.93)),
                {"burning tyres": 0.5, "smouldering tyres": 0.28, "a burning barricade": 0.22},
                ("tyre", "tyres", "burning tyre", "smouldering tyre", "barricade"),
            ),
        ),
        ("demonstrators", "students", "workers", "residents", "union members", "young people", "hundreds of people"),
        ("march", "protest", "rally", "chant slogans", "voice their anger", "demand higher wages", "block the traffic"),
        ("in the city centre", "outside the town hall", "on the main square", "along the avenue", "near the ministry"),
    ),
    SceneKind(
        "Disaster",
        {"flood": 0.65, "village": 0.2, "street": 0.15},
        {"bystanders": 1.0},
        (
            PlantedObject(
                "boat",
                Thing(draw_dinghy, (1.4, 1.7), (0.1, 0.22), (0.75, 0.93)),
                {"an inflatable boat": 0.42, "a rescue boat": 0.3, "a rubber dinghy": 0.28},
                ("boat", "rubber boat", "dinghy"),
            ),
            PlantedObject(
                "helicopter",
                Thing(draw_helicopter, (1.7, 2.0), (0.12, 0.23), (0.3, 0.55)),
                {"a helicopter": 0.5, "an army helicopter": 0.28, "a chopper": 0.22},
                (),
            ),
        ),
        ("villagers", "families", "residents", "volunteers", "local people", "survivors", "older residents"),
        (
            "flee the floods",
            "wait for help",
            "save their belongings",
            "survey the storm damage",
            "watch the water rise",
        ),
        ("in the river valley", "after days of rain", "in the low-lying district", "along the coast", "near the dam"),
    ),
    SceneKind(
        "Contact.Meet",
        {"hall": 0.8, "street": 0.2},
        {"suits": 1.0},
        (
            PlantedObject(
                "flags",
                Thing(draw_flags, (1.2, 1.6), (0.1, 0.22), (0.6, 0.8), flips=False),
                {"national flags": 0.4, "coloured flags": 0.36, "waving banners": 0.24},
                ("flag", "flags", "national flag", "waving banner", "banner", "banners"),
            ),
            PlantedObject(
                "lectern",
                Thing(draw_lectern, (0.55, 0.7), (0.11, 0.22), (0.85, 0.93)),
                {"a wooden lectern": 0.4, "a lectern with microphones": 0.35, "a podium": 0.25},
                ("lectern", "microphone", "microphones"),
            ),
        ),
        ("ministers", "delegates", "leaders", "ambassadors", "officials", "the two presidents", "negotiators"),
        ("hold talks with partners", "meet with reporters", "attend the summit", "sign an accord", "discuss trade"),
        ("in the conference hall", "at the palace", "in the capital", "behind closed doors", "at the lakeside hotel"),
    ),
    SceneKind(
        "Accident.Crash",
        {"road": 0.6, "street": 0.4},
        {"traffic": 1.0},
        (
            PlantedObject(
                "ambulance",
                Thing(draw_ambulance, (1.5, 1.8), (0.12, 0.24), (0.66, 0.93)),
                {"an ambulance": 0.5, "a waiting ambulance": 0.28, "an emergency van": 0.22},
                ("van",),
            ),
            PlantedObject(
                "fire engine",
                Thing(draw_fire_engine, (1.6, 1.9), (0.12, 0.24), (0.7, 0.93)),
                {"a fire engine": 0.5, "a red fire truck": 0.25, "a ladder truck": 0.25},
                ("fire truck", "engine", "truck", "red truck"),
            ),
        ),
        ("drivers", "police officers", "investigators", "commuters", "motorists", "two passengers", "road workers"),
        (
            "inspect the wreckage",
            "look at the crash",
            "wait after a collision",
            "clear the lanes",
            "direct the vehicles",
        ),
        ("on the ring road", "at the junction", "on the coastal highway", "near the bridge", "outside the tunnel"),
    ),
    SceneKind(
        "Sports",
        {"pitch": 0.75, "village": 0.25},
        {"players": 1.0},
        (
            PlantedObject(
                "goal",
                Thing(draw_goal, (1.6, 2.0), (0.1, 0.22), (0.6, 0.8)),
                {"the goal": 0.4, "the goal net": 0.35, "the goalposts": 0.25},
                ("goalpost", "net"),
            ),
            PlantedObject(
                "trophy",
                Thing(draw_trophy, (0.6, 0.75), (0.13, 0.24), (0.8, 0.93)),
                {"the trophy": 0.5, "a gleaming trophy": 0.25, "the silverware": 0.25},
                ("trophy",),
            ),
        ),
        ("players", "the champions", "both teams", "the visitors", "the home side", "young footballers", "teammates"),
        ("celebrate a late winner", "train hard", "argue with the referee", "warm up", "play in the semi-final"),
        ("at the national stadium", "in the derby", "before kick-off", "on the training ground", "in the second half"),
    ),
)

DRAWN: Final = 0.46
"""Share of an event type's scenes in which one of its objects is drawn."""
CLUTTER: Final = 0.02
"""Share of other scenes in which an object is drawn all the same."""
MENTIONED: Final = 0.94
"""Share of the scenes of its type that show an object in which captions name it."""
MENTIONED_CLUTTER: Final = 0.12
"""The same share where the object is clutter."""
MENTIONED_UNSEEN: Final = 0.03
"""Share of the scenes without an object, of any type, in which captions name it.

Smaller, and a word alone would nearly tell the event type: no rule could show that the picture adds anything.
"""
COPIED: Final = 0.04
"""Share of scenes that come twice: in another size, encoded again, with other words."""
