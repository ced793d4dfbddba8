// Definitions of glossary terms: under the pointer, on focus, at the first tap. Without this script each is a link
// with a title. They stay while the pointer is on them, and Escape puts them away (WCAG 1.4.13).
"use strict";

(() => {
  const LEAVE = 200; // time to move from the word to its definition
  let open;
  let leaving;

  const hide = () => {
    clearTimeout(leaving);
    if (open) open.tip.hidden = true;
    open = undefined;
  };
  const leave = () => {
    clearTimeout(leaving);
    leaving = setTimeout(hide, LEAVE);
  };
  const show = (link, tip) => {
    clearTimeout(leaving);
    if (open?.tip === tip) return;
    hide();
    tip.hidden = false;
    const word = link.getClientRects()[0];
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    const above = word.bottom + tip.offsetHeight > innerHeight && word.top > tip.offsetHeight;
    tip.style.left = `${Math.max(8, Math.min(word.left, room)) + scrollX}px`;
    tip.style.top = `${(above ? word.top - tip.offsetHeight : word.bottom) + scrollY}px`;
    open = { link, tip };
  };

  const start = () => {
    document.querySelectorAll("a.lr-term[title]").forEach((link, number) => {
      const tip = document.createElement("div");
      tip.className = "lr-definition";
      tip.role = "tooltip";
      tip.id = `lr-definition-${number}`;
      tip.hidden = true;
      tip.textContent = link.title;
      link.removeAttribute("title"); // or the browser would show it too
      link.setAttribute("aria-describedby", tip.id);
      document.body.append(tip);
      let first; // whether a tap on the word finds the definition closed
      link.addEventListener("pointerdown", (event) => {
        first = event.pointerType === "touch" && open?.tip !== tip;
      });
      link.addEventListener("click", (event) => {
        if (first) event.preventDefault();
        if (first) show(link, tip);
        first = false;
      });
      link.addEventListener("focus", () => show(link, tip));
      link.addEventListener("blur", leave);
      for (const part of [link, tip]) {
        part.addEventListener("pointerenter", (event) => event.pointerType === "touch" || show(link, tip));
        part.addEventListener("pointerleave", (event) => event.pointerType === "touch" || document.activeElement === link || leave());
      }
    });
    document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
    document.addEventListener("pointerdown", ({ target }) => {
      if (open && !open.link.contains(target) && !open.tip.contains(target)) hide();
    });
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
