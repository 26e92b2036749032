"""Drawing of small invented pictures: a canvas, textures, places, people and things."""
