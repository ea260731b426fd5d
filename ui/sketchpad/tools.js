// Buttons, keys for all of the page, and the link.

undo.addEventListener("click", goBack);
redo.addEventListener("click", goForward);
clear.addEventListener("click", wipe);
erase.addEventListener("click", () =>
  setEraser(erase.ariaPressed !== "true" && sheet.strokes.length > 0),
);

function setEraser(on) {
  erase.ariaPressed = String(on);
  canvas.classList.toggle("erasing", on);
}

const isTyping = (event) =>
  Boolean(event.target.closest?.("input, textarea, select, [contenteditable]"));

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || isTyping(event)) return;
  const command = event.ctrlKey || event.metaKey;
  if (command && event.key.toLowerCase() === "z") (event.shiftKey ? goForward : goBack)();
  else if (!command && ["Escape", "Delete"].includes(event.key)) wipe();
  else return;
  event.preventDefault();
});

link.addEventListener("click", async () => {
  if (link.ariaDisabled === "true") return;
  if (!updateAddress()) return tell(text("link_too_long"));
  try {
    await navigator.clipboard.writeText(location.href);
    tell(text("link_copied"));
  } catch {
    tell(text("link_in_address"));
  }
});
