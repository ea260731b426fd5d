"""The page that people see: a folder for each of its components, and page.py, which lays them out.

Each component is a `gr.HTML` with a template, a style and JavaScript modules of its own. They
meet in the browser alone, through DOM events, so that the bars move without a round trip
through Gradio's state:

- "drawing", from the sketchpad at each change: {strokes, picture}, strokes of [x, y] points
  and whether a picture is on the paper instead
- "prediction", from the sketchpad: what the network answered to the `strokes` in it, or null
- "draw", to the sketchpad: strokes that it should draw
- "details", to the sketchpad: whether explanations are looked at and worth their time
- "listening", to the sketchpad, from who starts: it repeats what it said last
"""
