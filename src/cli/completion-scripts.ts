/**
 * The scripts that shells complete with: each asks `holdfast complete` with the words of the line.
 *
 * Pure. Callers: completion.ts. Invariant: where there are no candidates the shell offers files.
 */

/**
 * Bash breaks words at colons; addresses have some. What stands before the last one is on the line already.
 */
const BASH = `# Completion of holdfast for bash. Put this into ~/.bashrc:  source <(holdfast completion bash)
_holdfast() {
  local line="\${COMP_LINE:0:COMP_POINT}" IFS=$' \\t\\n'
  local -a words
  read -r -a words <<< "$line"
  if [[ "$line" == *[[:space:]] ]]; then words+=(""); fi
  local current="\${words[\${#words[@]} - 1]}"
  local before="" each
  if [[ "$current" == *:* && "$COMP_WORDBREAKS" == *:* ]]; then before="\${current%:*}:"; fi
  COMPREPLY=()
  while IFS= read -r each; do
    if [[ -n "$each" ]]; then COMPREPLY+=("\${each#"$before"}"); fi
  done < <(holdfast complete -- "\${words[@]:1}" 2> /dev/null)
  if [[ "\${COMPREPLY[0]-}" == */ ]]; then compopt -o nospace 2> /dev/null; fi
}
complete -o default -F _holdfast holdfast`;

const ZSH = `#compdef holdfast
# Completion of holdfast for zsh. Put this into ~/.zshrc, behind compinit:  source <(holdfast completion zsh)
_holdfast() {
  local -a found
  # The word as far as the cursor, without the quote that it may have begun with.
  found=("\${(@f)$(holdfast complete -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2> /dev/null)}")
  found=("\${(@)found:#}")
  if (( \${#found} )); then
    compadd -S '' -- "\${(@M)found:#*/}"
    compadd -- "\${(@)found:#*/}"
  else
    _files
  fi
}
compdef _holdfast holdfast`;

const FISH = `# Completion of holdfast for fish. Put this into config.fish:  holdfast completion fish | source
function __holdfast_complete
    set -l words (commandline -opc) (commandline -ct | string trim --left --chars '"\\'')
    set -l found (holdfast complete -- $words[2..-1] 2> /dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c holdfast -f -a '(__holdfast_complete)'`;

export const SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH } as const;

export type Shell = keyof typeof SCRIPTS;
