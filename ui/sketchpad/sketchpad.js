// The paper: pen, keys and pictures in, "prediction" events out. Gradio runs this once, with
// `element`, `props`, `server`, `trigger` and `watch`, after the other files of this folder
// and in one scope with them: see SCRIPTS in __init__.py.

new ResizeObserver(paintSheet).observe(canvas);

// The ink has the colour of the page's text, which changes with the system's theme.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);

restoreKept().then((kept) => kept || openLink());
