// The address as text and as a picture; both come from the server that shares the page.

const link = element.querySelector("a");
const code = element.querySelector("img");

element.querySelector("details").hidden = !props.address;
if (props.address) {
  link.href = link.textContent = props.address;
  code.src = props.code;
}
