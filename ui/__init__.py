"""The page that people see: a folder for each of its components, and page.py, which lays them out.

Each component is a `gr.HTML` with a template, a style and JavaScript modules of its own. They
meet in the browser alone, through DOM events, so that the bars move without a round trip
through Gradio's state:

- "drawing", from the sketchpad, once in a frame where something changed: {strokes}, of [x, y]
  points, none where the paper is empty or shows a picture
- "prediction", from the sketchpad: null for nothing, or what ui/recognizer or the server read in
  the `strokes` in it, the very array of the "drawing"; where that is not the last one, the answer
  is about something older. `why(other)` and `shrunk()` explain it, `before()` is what the
  network before read, `reader` the network that read it, where that is in the browser
- "compare", from the chart: the digit whose bar was chosen, or null
- "draw", to the sketchpad: strokes that it should draw; "demonstrate": the same, where nobody
  has drawn yet: it fades by itself, and goes at once when somebody does something
- "use", to the sketchpad, from inside: a network's file that is to read in this browser, or null
- "listening", to the sketchpad, from who starts: it repeats what it said last

Drawings are read in the browser, in the frame in which they change; pictures, and drawings until
the network has arrived, by the server.
"""
