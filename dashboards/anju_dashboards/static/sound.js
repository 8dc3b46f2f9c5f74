// Sound, for staff and carers: falling tones, made here; nothing to download.
"use strict";

(() => {
  const ask = document.getElementById("sound");
  const ASKED = "anju-sound-asked";
  const Context = window.AudioContext || window.webkitAudioContext;
  let audio = null;
  const soundReady = () => audio !== null && audio.state === "running";

  async function allowSound() {
    if (!Context) return;
    audio ||= new Context();
    await audio.resume().catch(() => {});
    tellSound();
  }

  // Asked in words once; later a short line is enough, and any click on the page allows it.
  function tellSound() {
    ask.hidden = soundReady();
    ask.classList.toggle("asked", localStorage.getItem(ASKED) !== null);
    if (soundReady()) localStorage.setItem(ASKED, "yes");
    document.dispatchEvent(new Event("anju:sound"));
  }

  function chime(urgent) {
    if (!soundReady()) return;
    (urgent ? [988, 784, 988, 784] : [784, 622]).forEach((hertz, number) => {
      const start = audio.currentTime + number * 0.28;
      const tone = audio.createOscillator(), volume = audio.createGain();
      tone.type = "triangle";
      tone.frequency.value = hertz;
      volume.gain.setValueAtTime(0.0001, start);
      volume.gain.exponentialRampToValueAtTime(urgent ? 0.39 : 0.27, start + 0.03);
      volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.26);
      tone.connect(volume).connect(audio.destination);
      tone.start(start);
      tone.stop(start + 0.3);
    });
  }

  function say(text) {
    if (!soundReady() || !("speechSynthesis" in window)) return;
    const speech = new SpeechSynthesisUtterance(text);
    speech.lang = document.documentElement.lang;
    window.speechSynthesis.speak(speech);
  }

  document.addEventListener("click", (event) => {
    if (!ask || soundReady()) return;
    allowSound().then(() => event.target.closest("[data-allow-sound]") && chime(false));
  });

  Object.assign(window.anju, { chime, say, soundReady });
  if (ask) {
    allowSound();
    tellSound();
  }
})();
