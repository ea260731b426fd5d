// The page's public address, as text and as a QR code for phones.

import { speak } from "../texts.js";

export function start({ element, props, watch }) {
  speak({ element, props, watch });
  const link = element.querySelector("a");
  link.href = link.textContent = props.address;
  element.querySelector("img").src = props.code;
}
