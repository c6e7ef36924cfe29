"use strict";
// Everything on the page can be read without this script; it only filters and keeps the language in step.
(() => {
  const zh = document.getElementById("lang-zh");
  const languages = document.querySelectorAll('input[name="lang"]');

  function speak() {
    const language = zh.checked ? "zh" : "en";
    document.documentElement.lang = zh.checked ? "zh-CN" : "en";
    for (const option of document.querySelectorAll("option[data-zh]")) option.textContent = option.dataset[language];
    for (const input of document.querySelectorAll("input[data-zh]")) input.placeholder = input.dataset[language];
  }
  for (const input of languages) input.addEventListener("change", speak);
  speak();

  for (const form of document.querySelectorAll(".filters")) {
    const rows = [...document.getElementById(form.dataset.for).rows];
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const wanted = form.querySelector("[data-text]");
    const selects = [...form.querySelectorAll("select")];
    const shown = form.querySelector("[data-shown]");
    function filter() {
      const words = wanted.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      rows.forEach((row, i) => {
        const fits = selects.every((s) => !s.value || row.dataset[s.dataset.key] === s.value)
          && words.every((word) => texts[i].includes(word));
        row.hidden = !fits;
        count += fits;
      });
      shown.textContent = `${count} / ${rows.length}`;
    }
    form.hidden = false;
    form.addEventListener("input", filter);
    form.addEventListener("submit", (event) => event.preventDefault());
    filter();
  }

  const links = [...document.querySelectorAll(".picker a")];
  function current() {
    const here = links.find((link) => link.hash === location.hash) || links[0];
    for (const link of links) link === here ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
  }
  window.addEventListener("hashchange", current);
  current();
})();
