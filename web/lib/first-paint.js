// Sets the theme and the language before anything is painted, so that neither flashes. A classic script on purpose.
// The rest of the page reads its choice from <html>.
(function () {
  function saved(name) {
    try {
      return localStorage.getItem(name);
    } catch {
      return null; // storage may be forbidden
    }
  }
  const root = document.documentElement;
  const theme = saved('nexus-theme');
  if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
  const ours = navigator.languages.find((language) => /^(zh|en)\b/i.test(language));
  const wanted = saved('nexus-language') || ours;
  root.lang = /^zh/i.test(wanted || '') ? 'zh-CN' : 'en';
})();
