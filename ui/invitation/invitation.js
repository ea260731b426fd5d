// The page's public address, as text and as a QR code for phones.

export function start({ element, props }) {
  const link = element.querySelector("a");
  link.href = link.textContent = props.address;
  element.querySelector("img").src = props.code;
}
