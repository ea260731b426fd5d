"""The page that people see: one document, which document.py makes of index.html, style and modules.

In the browser everything goes one way. paper/ is what is on the paper and how it gets there,
session/ makes a prediction of it and views/ show both; main.js wires them. They hear of each other
by one Observable (core/observable.js). recognizer/ computes, and knows no page.

- `Paper` is what is drawn; its `drawing` is another number whenever that is something else.
- `Session` holds {drawing, prediction, networks, compared}. A prediction is plain data with an
  `id` and the id of its `drawing`: where that is not the last one, it is about something older.
- What explains a prediction is a function of a network and of it, in recognizer/.

types.d.ts has the shapes of all this, which `npm run check` holds the modules to. The root element
says for programs and tests what the page is about: data-drawing, data-answered, data-prediction,
data-network and data-reader.

Drawings are read in the browser, in the frame in which they change; pictures, and drawings until
the network has arrived, by the server. A language is a file of texts/.
"""
