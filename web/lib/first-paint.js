// Sets theme, language and the rail's width before anything is painted, so that none flashes. A classic script on purpose.
// The rest of the interface reads its choice from <html>.
(function () {
  function saved(name) {
    try {
      return localStorage.getItem(`nexus-${name}`);
    } catch {
      return null; // storage may be forbidden
    }
  }
  const root = document.documentElement;
  const theme = saved('theme');
  if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
  if (saved('rail') === 'narrow') root.dataset.rail = 'narrow';
  const ours = navigator.languages.find((language) => /^(zh|en)\b/i.test(language));
  const wanted = saved('language') || ours;
  root.lang = /^zh/i.test(wanted || '') ? 'zh-CN' : 'en';
})();
