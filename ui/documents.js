/** Pages of docs/: a button on each block of code copies what can be pasted. */

/**
 * Of a Python session, what was typed: no prompts, no answers, and an empty line after a block,
 * which ends it at a prompt. Other code as it is.
 * @param {string} text
 */
export function pasteable(text) {
  if (!text.startsWith(">>> ")) return text;
  const typed = text.split("\n").filter((line) => /^(>>>|\.\.\.)( |$)/.test(line));
  const lines = typed.flatMap((line, place) => {
    const endsBlock = line.startsWith("...") && !typed[place + 1]?.startsWith("...");
    return endsBlock ? [line.slice(4), ""] : [line.slice(4)];
  });
  return `${lines.join("\n")}\n`;
}

/**
 * @param {string} label of the buttons
 * @param {string} done what a button says once it has copied
 */
export function start(label, done) {
  for (const block of document.querySelectorAll("pre")) {
    const button = document.createElement("button");
    const code = pasteable(block.textContent);
    button.textContent = label;
    button.addEventListener("click", () => {
      copy(code);
      button.textContent = done;
      setTimeout(() => (button.textContent = label), 2000);
    });
    block.prepend(button);
  }
}

/** @param {string} text */
function copy(text) {
  // Not navigator.clipboard, which a page of one's own network (plain HTTP) does not have.
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
